// The dashboard from elsewhere: a token is typed into the form, and then there are decisions to look through.
import { expect, lookAt, page, story } from "./visit.mjs";

const NARROW = { width: 360, height: 740 };

async function lookAtBothWidths(opened) {
  await lookAt(opened);
  const wide = opened.viewportSize();
  await opened.setViewportSize(NARROW);
  await lookAt(opened);
  await opened.setViewportSize(wide);
}

await story(async (browser, { base, token, workload }) => {
  // What is refused is an error to a browser.
  const opened = await page(browser, { meant: /status of 401/ });
  await opened.goto(base);
  await lookAtBothWidths(opened);
  const signIn = async (token) => {
    await opened.getByLabel("Token").fill(token);
    await opened.getByRole("button", { name: "Sign in" }).click();
  };
  await signIn("abc");
  await opened.getByText("The API server does not know this token").waitFor();
  await signIn(token);
  await opened.getByRole("link", { name: "Decisions" }).click();
  await opened.locator("td", { hasText: workload }).first().waitFor();
  await opened.getByLabel("Outcome").selectOption("denied");
  await opened.getByRole("searchbox").fill(workload);
  await opened.getByRole("button", { name: "Filter" }).click();
  await opened.locator("#decisions td", { hasText: "denied" }).first().waitFor();
  expect((await opened.getByLabel("Outcome").inputValue()) === "denied", "the filter is not kept");
  await lookAtBothWidths(opened);
  await opened.getByLabel("Outcome").selectOption("injected");
  await opened.getByRole("button", { name: "Filter" }).click();
  await opened.getByText("0 decisions").waitFor();
  await opened.context().close();
});
