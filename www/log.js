const KEPT = 200;

/** The latest events, newest last; it follows the newest unless the reader has scrolled up. */
export class Log {
  #list;

  constructor(list) {
    this.#list = list;
  }

  /** `kind`: "good", "bad" or nothing. */
  add(text, kind = "") {
    const list = this.#list;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
    const item = document.createElement("li");
    const time = document.createElement("time");
    const now = new Date();
    time.dateTime = now.toISOString();
    time.textContent = now.toTimeString().slice(0, 8);
    const words = document.createElement("span");
    words.textContent = text;
    item.append(time, words);
    item.dataset.kind = kind;
    list.append(item);
    while (list.childElementCount > KEPT) list.firstElementChild.remove();
    if (atEnd) list.scrollTop = list.scrollHeight;
  }
}
