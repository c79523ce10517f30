/** One calm accent per clinic, told from its tenant id, so that two clinics never look alike at a glance.
 *  Red, amber and green are not among them: they are kept for clinical and system state. */
export interface Accent {
  name: string;
  /** Ten shades, light to dark; shade 6 is the filled one, AA on white and under white text. */
  shades: [string, string, string, string, string, string, string, string, string, string];
}

const mix = (a: string, b: string, share: number) => {
  const channel = (hex: string, i: number) => Number.parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16);
  const out = [0, 1, 2].map((i) => Math.round(channel(a, i) * (1 - share) + channel(b, i) * share));
  return `#${out.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
};

function accent(name: string, base: string): Accent {
  const light = (share: number) => mix(base, "#ffffff", share);
  const dark = (share: number) => mix(base, "#06121c", share);
  return {
    name,
    shades: [light(0.93), light(0.85), light(0.7), light(0.52), light(0.34), light(0.15), base, dark(0.14), dark(0.28), dark(0.42)],
  };
}

export const ACCENTS = [
  accent("lagoon", "#0b6a80"),
  accent("indigo", "#4350b5"),
  accent("plum", "#7a3d86"),
  accent("ocean", "#1f5fa8"),
] as const;

export function accentOf(tenant: string | null | undefined): Accent {
  if (!tenant) return ACCENTS[0];
  let sum = 0;
  for (const c of tenant) sum = (sum * 31 + c.charCodeAt(0)) % 9973;
  return ACCENTS[sum % ACCENTS.length] ?? ACCENTS[0];
}
