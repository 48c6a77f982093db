// The report of `stateward check --format html`, read as somebody does who opens it from a disk.
import { examine, expect, page, story } from "./visit.mjs";

const shown = (opened) => opened.locator("article:visible").count();
const told = (opened) => opened.locator("#count").textContent();
const headings = (opened) => opened.locator("#list h2:visible").allTextContents();

async function byMouse(browser, report) {
  const opened = await page(browser);
  await opened.goto(report);
  const all = await shown(opened);
  expect(all > 3, `${all} findings`);
  await opened.getByLabel("Search").click();
  await opened.getByLabel("Search").pressSequentially("web rwo-replicas");
  expect((await told(opened)) === `1 of ${all} findings`, `searched: ${await told(opened)}`);
  expect((await shown(opened)) === 1, "what is not meant is hidden");
  expect((await headings(opened)).join() === "shop", `headings: ${await headings(opened)}`);
  const article = opened.locator("article:visible");
  expect((await article.locator("svg").count()) === 0, "the picture is there before anybody asks");
  await article.getByText("Picture").click();
  await article.locator("svg").waitFor();
  await article.getByRole("button").click();
  expect((await article.getByRole("button").textContent()) === "Copied", "nothing copied");
  const [marked, remedy] = [await opened.evaluate("String(getSelection())"), await article.locator(".fix span").textContent()];
  expect(marked === remedy, `marked: ${marked}`);
  await opened.getByLabel("Search").fill("");
  await opened.getByLabel("Group by").selectOption("rule");
  expect((await headings(opened)).includes("rwo-replicas"), `grouped: ${await headings(opened)}`);
  expect((await shown(opened)) === all, "grouping loses findings");
  await opened.getByLabel("Group by").selectOption("team");
  expect((await headings(opened)).join() === "none,front", `teams: ${await headings(opened)}`);
  await opened.emulateMedia({ media: "print" });
  expect(!(await opened.locator("#tools").isVisible()), "tools on paper");
  await opened.context().close();
}

async function byKeyboard(browser, report, hostile) {
  const opened = await page(browser);
  await opened.goto(report);
  const focused = () => opened.evaluate(() => document.activeElement.id || document.activeElement.localName);
  const tabTo = async (wanted) => {
    for (let pressed = 0; pressed < 100 && (await focused()) !== wanted; pressed += 1) await opened.keyboard.press("Tab");
  };
  await tabTo("words");
  await opened.keyboard.type(hostile);
  expect((await shown(opened)) > 0, "a name as it is written is found");
  await tabTo("level");
  await opened.keyboard.press("ArrowDown");
  const all = await opened.locator("article").count();
  expect((await told(opened)) === `${await shown(opened)} of ${all} findings`, `typed: ${await told(opened)}`);
  expect((await opened.locator("article:visible:not(.error)").count()) === 0, "other levels are left");
  await tabTo("summary");
  await opened.keyboard.press("Enter");
  await opened.locator("details[open] svg").waitFor();
  expect((await opened.locator("script").count()) === 1, "another script than our own");
  await opened.context().close();
}

async function withoutScript(browser, report) {
  const opened = await page(browser, { javaScriptEnabled: false });
  await opened.goto(report);
  expect(!(await opened.locator("#tools").isVisible()), "tools that do nothing");
  await opened.locator("article", { hasText: "web" }).getByRole("link", { name: "Picture" }).first().click();
  expect(new URL(opened.url()).hash.startsWith("#p"), "a link to the picture");
  expect((await opened.locator("figure:target svg").count()) === 1, "no picture without a script");
  await opened.context().close();
}

await story(async (browser, { report, hostile, pages }) => {
  for (const url of [report, ...pages]) await examine(browser, url);
  await byMouse(browser, report);
  await byKeyboard(browser, report, hostile);
  await withoutScript(browser, report);
});
