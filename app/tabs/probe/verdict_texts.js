// What the scores of two images by two captions say, in sentences.
import { _ } from "../../ui/language/language.js";

const MARGIN = 1e-6; // a tie is no win

const TEXT = {
  right: _("Each image is nearer to its own caption."),
  wrong: [
    _("The first image is nearer to the wrong caption."),
    _("The second image is nearer to the wrong caption."),
    _("Both images are nearer to the wrong caption."),
  ],
  tied: [
    _("The first image is as near to one caption as to the other."),
    _("The second image is as near to one caption as to the other."),
    _("Both images are as near to one caption as to the other."),
  ],
};
const IMAGE = {
  right: _("Each caption is nearer to its own image."),
  wrong: [
    _("The first caption is nearer to the wrong image."),
    _("The second caption is nearer to the wrong image."),
    _("Both captions are nearer to the wrong image."),
  ],
  tied: [
    _("The first caption is as near to one image as to the other."),
    _("The second caption is as near to one image as to the other."),
    _("Both captions are as near to one image as to the other."),
  ],
};

// gaps: by how much the right one of each scores higher than the wrong one.
function sentencesOf(texts, gaps) {
  const which = (fits) => gaps.map(fits).indexOf(true) + (gaps.every(fits) ? 2 : 0);
  const wrong = texts.wrong[which((gap) => gap < -MARGIN)];
  const tied = texts.tied[which((gap) => Math.abs(gap) <= MARGIN)];
  return wrong || tied ? [wrong, tied].filter(Boolean) : [texts.right];
}

// scores: [images][captions], with matching pairs on the diagonal.
export const verdictText = ([[a, b], [c, d]]) =>
  [...sentencesOf(TEXT, [a - b, d - c]), ...sentencesOf(IMAGE, [a - c, d - b])].join(" ");
