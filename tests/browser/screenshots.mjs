// The pictures of the documents, of pages as wide as their pictures of namespaces.
import { writeFileSync } from "node:fs";
import { expect, page, story } from "./visit.mjs";

await story(async (browser, shots) => {
  for (const { url, path, colorScheme } of shots) {
    const opened = await page(browser, { colorScheme, viewport: { width: 1240, height: 800 } });
    const chromium = await opened.context().newCDPSession(opened);
    await chromium.send("Emulation.setScrollbarsHidden", { hidden: true });
    await opened.goto(url);
    const { data } = await chromium.send("Page.captureScreenshot", { format: "webp", quality: 85 });
    const picture = Buffer.from(data, "base64");
    expect(picture.length < 100 * 1024, `${path} has ${picture.length} bytes`);
    writeFileSync(path, picture);
    await opened.context().close();
  }
});
