// Bare data channels between tabs, with nothing of any loader: what page/raw.js has, put together from outside.

/** A channel from one page to another; both have page/raw.js. */
export async function join(from, to) {
  const offer = await from.evaluate(() => window.raw.offer());
  const answer = await to.evaluate((offer) => window.raw.answer(offer), offer);
  await from.evaluate((answer) => window.raw.connect(answer), answer);
}

/** The largest that every browser takes. */
const MESSAGE = 64 * 1024;

/**
 * Each tab passes on to the next, once per segment, what a swarm without any loss would have it pass on: all but the one copy that
 * comes from the origin, divided among them.
 */
export async function ring({ tabs, event: { mbit, seconds } }) {
  for (const { page } of tabs) await page.evaluate(async () => void (await import("/bench/raw.js")));
  for (const [i, { page }] of tabs.entries()) await join(page, tabs[(i + 1) % tabs.length].page);
  const bytes = Math.round((1 - 1 / tabs.length) * mbit * seconds * 125_000);
  await Promise.all(tabs.map(({ page }) => page.evaluate((flow) => window.raw.flow(...flow), [bytes, MESSAGE, seconds])));
}

/** Bytes that all have received in a `ring` so far. */
export async function movedBytes({ tabs }) {
  const moved = await Promise.all(tabs.map(({ page }) => page.evaluate(() => window.raw.moved)));
  return moved.reduce((all, one) => all + one, 0);
}
