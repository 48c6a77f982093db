// The dashboard of files: filters and replay by clicks, and by the keyboard alone.
import { expect, lookAt, page, story } from "./visit.mjs";

async function byMouse(browser, base) {
  const opened = await page(browser);
  const heading = (words) => opened.getByRole("heading", { level: 1, name: words, exact: true }).waitFor();
  const follow = (name) => opened.getByRole("link", { name, exact: true }).first().click();
  const filter = async (words) => {
    await opened.getByRole("searchbox").fill(words);
    await opened.getByRole("button", { name: "Filter" }).click();
  };
  await opened.goto(base);
  await opened.locator("#live", { hasText: /^Live$/ }).waitFor();
  await follow("Namespaces");
  await heading("Namespaces");
  await filter("sho");
  await opened.getByText("1 namespace", { exact: true }).waitFor();
  await follow("shop");
  await heading("Namespace shop");
  expect(await opened.locator("#picture svg").isVisible(), "no picture of the namespace");
  await filter("web");
  await opened.getByText("1 workload", { exact: true }).waitFor();
  await follow("Deployment web");
  await heading("Deployment shop/web");
  await opened.locator("#findings article", { hasText: "rwo-replicas" }).getByRole("link").click();
  await heading("rwo-replicas");
  await opened.goto(`${base}/namespaces/many`);
  await opened.getByText("1 to 100 of 101 workloads").waitFor();
  await follow("Those after");
  await opened.getByText("101 to 101 of 101 workloads").waitFor();
  await follow("Those before");
  await opened.getByText("1 to 100 of 101 workloads").waitFor();
  await opened.context().close();
}

async function replay(browser, base, manifest) {
  const opened = await page(browser);
  await opened.goto(base);
  await opened.getByRole("link", { name: "Replay" }).click();
  await opened.getByLabel("Manifest").fill(manifest);
  await opened.getByRole("button", { name: "Replay" }).click();
  await opened.getByText("Denied").waitFor();
  expect((await opened.getByLabel("Manifest").inputValue()) === manifest, "the manifest is not there any more");
  expect(await opened.locator("section svg").isVisible(), "no picture of the change");
  // A page that was sent for is looked at as it stands: it has no address.
  await lookAt(opened);
  await opened.setViewportSize({ width: 360, height: 740 });
  await lookAt(opened);
  await opened.context().close();
}

async function byKeyboard(browser, base, manifest) {
  const opened = await page(browser);
  const focused = () => opened.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
  const tabTo = async (wanted) => {
    for (let pressed = 0; pressed < 100; pressed += 1) {
      if ((await focused()) === wanted) return;
      await opened.keyboard.press("Tab");
    }
    expect(false, `the keyboard does not come to ${wanted}`);
  };
  await opened.goto(base);
  await opened.keyboard.press("Tab");
  await opened.keyboard.press("Enter");
  expect((await focused()) === "main", `the first link leads to ${await focused()}`);
  await opened.goto(base);
  await tabTo("Replay");
  await opened.keyboard.press("Enter");
  await opened.getByLabel("Manifest").waitFor();
  await tabTo("manifest");
  await opened.keyboard.insertText(manifest);
  await tabTo("Replay");
  await opened.keyboard.press("Enter");
  await opened.getByText("Denied").waitFor();
  await opened.context().close();
}

async function withoutScript(browser, url) {
  const opened = await page(browser, { javaScriptEnabled: false });
  await opened.goto(url);
  expect(await opened.locator("#picture svg").isVisible(), "no picture without a script");
  expect((await opened.locator("#live").textContent()) === "", "it says that it is live");
  await opened.context().close();
}

await story(async (browser, { base, manifest }) => {
  await byMouse(browser, base);
  await replay(browser, base, manifest);
  await byKeyboard(browser, base, manifest);
  await withoutScript(browser, `${base}/namespaces/shop`);
});
