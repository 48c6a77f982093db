// What the stories share: the browser, pages that tell whatever goes wrong in them, and what every page has to be.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.STATEWARD_NODE_MODULES}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const WIDE = { viewport: { width: 1600, height: 900 }, colorScheme: "light" };
const NARROW = { viewport: { width: 360, height: 740 }, colorScheme: "dark" };

const faults = [];

// Notes what is wrong unless it is so.
export const expect = (isSo, words) => isSo || faults.push(words);

// Plays a story in the browser that is there, and prints what was wrong, a line each.
export const story = async (play) => {
  const browser = await chromium.connectOverCDP(process.env.STATEWARD_BROWSER);
  try {
    await play(browser, JSON.parse(process.argv[2]));
  } finally {
    await browser.close();
  }
  for (const fault of faults) console.log(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
};

// A page of its own, which tells of errors, dialogs, and requests to anybody but where it came from. Our certificates are
// of an authority that no browser knows.
export const page = async (browser, { meant, ...look } = WIDE) => {
  const context = await browser.newContext({ ...WIDE, ...look, ignoreHTTPSErrors: true });
  context.setDefaultTimeout(60_000);
  const opened = await context.newPage();
  const tell = (words) => faults.push(`${opened.url()}: ${words}`);
  opened.on("console", (message) => {
    const isWrong = ["error", "warning"].includes(message.type()) && !meant?.test(message.text());
    if (isWrong) tell(`console: ${message.text()}`);
  });
  opened.on("pageerror", (error) => tell(`error: ${error}`));
  opened.on("dialog", (dialog) => {
    tell(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  context.on("request", (request) => {
    const [from, to] = [opened.url(), request.url()].map((url) => new URL(url));
    const isFirst = from.protocol === "about:" || request.isNavigationRequest();
    if (!isFirst && (to.protocol !== from.protocol || to.host !== from.host)) tell(`asks ${to}`);
  });
  return opened;
};

// Opens an address wide and light, and narrow and dark, and looks at it.
export const examine = async (browser, url) => {
  const one = async (look) => {
    const opened = await page(browser, look);
    const answer = await opened.goto(url);
    expect(!answer || answer.ok(), `${url}: ${answer?.status()}`);
    await lookAt(opened);
    await opened.context().close();
  };
  await Promise.all([WIDE, NARROW].map(one));
};

// What every page has to be: no wider than the window, all of it reached by the keyboard, and to axe's liking.
export const lookAt = async (opened) => {
  const { width } = opened.viewportSize();
  const tell = (words) => faults.push(`${opened.url()} at ${width} px: ${words}`);
  (await opened.evaluate(overflowing)).forEach(tell);
  (await unreached(opened)).forEach(tell);
  await opened.evaluate(axe);
  const found = await opened.evaluate(() => window.axe.run(document, { preload: false, resultTypes: ["violations"] }));
  for (const { id, nodes } of found.violations) {
    for (const { html, failureSummary } of nodes) tell(`axe ${id}: ${html.slice(0, 200)}: ${failureSummary}`);
  }
};

// Runs in the page: what is wider than the window, or than its box where nothing scrolls.
const overflowing = () => {
  const root = document.documentElement;
  const found = [];
  if (root.scrollWidth > root.clientWidth) found.push(`it is ${root.scrollWidth} px wide`);
  const scrolls = (one) => one && (["auto", "scroll"].includes(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
  for (const one of document.body.querySelectorAll("*")) {
    if (!one.checkVisibility() || one.closest("svg") || scrolls(one)) continue;
    const box = one.getBoundingClientRect();
    // What stands to the left of the window is for those who hear it, or for the keyboard.
    if (box.right > root.clientWidth + 1 && box.left >= 0) found.push(`${one.outerHTML.slice(0, 100)} ends at ${Math.round(box.right)}`);
  }
  return found.slice(0, 5);
};

// Presses Tab from the beginning on until it begins anew; says what was left out, and where one cannot see what has the focus.
async function unreached(opened) {
  const count = await opened.evaluate(() => {
    const all = document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']");
    window.wanted = new Set([...all].filter((one) => one.checkVisibility({ visibilityProperty: true })));
    window.unseen = new Set();
    document.addEventListener("focusin", ({ target }) => {
      window.wanted.delete(target);
      const { outlineStyle, outlineWidth } = getComputedStyle(target);
      const box = target.getBoundingClientRect();
      const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
      if (outlineStyle === "none" || outlineWidth === "0px" || !inside) window.unseen.add(target.outerHTML.slice(0, 100));
    });
    return window.wanted.size;
  });
  // Parts that scroll may take the focus too.
  for (let pressed = 0; pressed < 2 * count + 10; pressed += 1) {
    await opened.keyboard.press("Tab");
    if ((await opened.evaluate(() => window.wanted.size)) === 0) break;
  }
  return opened.evaluate(() => [
    ...[...window.wanted].map((one) => `the keyboard does not reach ${one.outerHTML.slice(0, 100)}`),
    ...[...window.unseen].map((one) => `the focus cannot be seen on ${one}`),
  ]);
}
