// Where in a passage a quotation stands.

const LEAST = 8;

// Letters and digits alone: an answer may join lines and leave marks out.
const isCounted = (letter) => /[\p{L}\p{N}]/u.test(letter);

const bare = (text) => [...text.toLowerCase()].filter(isCounted).join("");

// An answer may name columns between the cells of a row, or join sentences: then its longest clause
// will do.
const clausesOf = (quote) =>
  quote
    .split(/[:;.,\n–—|]|\[\d+\]/)
    .map(bare)
    .filter((clause) => clause.length >= LEAST)
    .sort((a, b) => b.length - a.length);

function longestOf(wanted, letters) {
  for (const one of wanted) {
    const found = letters.indexOf(one);
    if (found >= 0) return [found, one.length];
  }
  return [-1, 0];
}

// Returns a text in three parts, the second of which is what was quoted; it is empty where the
// passage does not have the quotation. Marks of citations in it do not count.
export function stretchOf(text, quote) {
  const wanted = bare(quote.replace(/\[\d+\]/g, ""));
  if (wanted.length < LEAST) return [text, "", ""];
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
  const [found, length] = longestOf([wanted, ...clausesOf(quote)], letters);
  if (found < 0) return [text, "", ""];
  const start = places[found];
  const last = places[found + length - 1];
  const end = last + String.fromCodePoint(text.codePointAt(last)).length;
  return [text.slice(0, start), text.slice(start, end), text.slice(end)];
}
