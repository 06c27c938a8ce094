// Where in a passage a quotation stands.

// Letters and digits alone: an answer may join lines and leave marks out.
const isCounted = (letter) => /[\p{L}\p{N}]/u.test(letter);

// Returns a text in three parts, the second of which is what was quoted; it is empty where the
// passage does not have the quotation. Marks of citations in it do not count.
export function stretchOf(text, quote) {
  const wanted = [...quote.replace(/\[\d+\]/g, "").toLowerCase()].filter(isCounted).join("");
  if (wanted.length < 8) return [text, "", ""];
  const places = [];
  let letters = "";
  let place = 0;
  for (const letter of text) {
    if (isCounted(letter)) {
      // One letter may become two in lower case.
      for (const lower of letter.toLowerCase()) {
        if (isCounted(lower)) {
          letters += lower;
          for (let unit = 0; unit < lower.length; unit++) places.push(place);
        }
      }
    }
    place += letter.length;
  }
  let [found, length] = [letters.indexOf(wanted), wanted.length];
  // A model says it in other words, or joins sentences: the longest beginning of it will do.
  while (found < 0 && length > 24) {
    length = Math.floor(length * 0.8);
    found = letters.indexOf(wanted.slice(0, length));
  }
  if (found < 0) return [text, "", ""];
  const start = places[found];
  const last = places[found + length - 1];
  const end = last + String.fromCodePoint(text.codePointAt(last)).length;
  return [text.slice(0, start), text.slice(start, end), text.slice(end)];
}
