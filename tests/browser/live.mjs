// A page that is open while its namespace changes: it is brought up to date, and the reader keeps the place.
import { expect, page, story } from "./visit.mjs";

await story(async (browser, { url, first, then }) => {
  const opened = await page(browser);
  await opened.goto(url);
  await opened.locator("#live", { hasText: "Live" }).waitFor();
  await opened.evaluate(() => (window.isSame = true));
  const link = (name) => opened.locator("#workloads").getByRole("link", { name, exact: true });
  // Whoever began the story makes a change when told so.
  console.log("open");
  await link(first).focus();
  console.log("focused");
  await link(then).waitFor();
  const focused = await opened.evaluate(() => document.activeElement.textContent);
  expect(focused === first, `the focus went to ${focused}`);
  expect(await opened.evaluate(() => window.isSame), "it was loaded anew");
  await opened.context().close();
});
