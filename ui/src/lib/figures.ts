/** Words in which a slip of the ear does harm: figures, sides, negations. They carry a mark until somebody looked. Not a clinical rule. */
const RISKY = /\d|\b(no|not|none|never|without|denies|nil|left|right|tiada|tidak|tak|bukan|tanpa|kiri|kanan)\b/i;

export const wantsALook = (text: string): boolean => RISKY.test(text);
