// Pages that have to be well, each for itself.
import { examine, story } from "./visit.mjs";

await story(async (browser, urls) => {
  for (const url of urls) await examine(browser, url);
});
