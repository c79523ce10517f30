/** Sizes that grow with the size of the text, for the few that are set in code. Figures are pixels at ordinary text. */
const ORDINARY = 16;

export const rem = (px: number) => `${px / ORDINARY}rem`;

/** As many pixels as these are now. */
export const pxOf = (px: number) => (px * (Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || ORDINARY)) / ORDINARY;
