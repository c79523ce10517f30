/** Made-up people of a made-up clinic. */
import type { Role, Sex } from "../src/api/bindings.gen";

/** The day in Kuala Lumpur, eight hours ahead. */
export const TODAY = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10);

export const STAFF: [string, Role][] = [
  ["Dr Aisyah binti Kamal", "doctor"],
  ["Dr Vikram Nair", "owner"],
  ["Farid bin Osman", "pharmacist"],
  ["Lim Mei Ling", "receptionist"],
  ["Rohani binti Ismail", "admin"],
  ["Siti Hajar binti Yusof", "receptionist"],
];
export const PINS = ["246802", "135791", "975310", "864209", "102938", "564738"];

const NAMES = `NUR AISYAH BINTI RAHMAN|AHMAD FIRDAUS BIN HASSAN|TAN SIEW LING|RAJENDRAN A/L SUBRAMANIAM|LIM CHEE KEONG|SITI NURHALIZA BINTI ZAINAL|WONG KAR WAI|KAVITHA A/P MUNIANDY|MOHD HAFIZ BIN ABDULLAH|CHONG LI NA|FATIMAH BINTI YUSOF|LEE JIA HUI|MUHAMMAD DANIAL BIN ROSLAN|GRACE ANAK JUGAH|SURESH A/L KRISHNAN|NG BOON HENG|ROSMAH BINTI IDRIS|PRIYA A/P GANESAN|AZLAN SHAH BIN MOKHTAR|YAP MEI FONG|KHADIJAH BINTI OMAR|JOSEPH ANAK LANGGI|HALIMAH BINTI SALLEH|CHEW WEI JIE|THANUSHA A/P RAVI|ISMAIL BIN DERAMAN|OOI PEI SHAN|NURUL IZZAH BINTI FAUZI|BALAKRISHNAN A/L PERUMAL|TEOH KIM HUAT|ZULKIFLI BIN MAT ISA|LOW XIN YI|ROHAYU BINTI CHE LAH|VINCENT TAY ENG SOON|MARIAM BINTI ABU BAKAR|DEVI A/P SELVAM`.split("|");

export interface Person {
  name: string;
  mykad: string;
  age: number;
  sex: Sex;
}

export const PEOPLE: Person[] = NAMES.map((name, i) => {
  const age = i === 12 ? 4 : 19 + ((i * 17 + 15) % 58);
  const sex: Sex = /BINTI|A\/P|LING|LI NA|HUI|GRACE|FONG|SHAN|XIN YI/.test(name) ? "female" : "male";
  const year = 2026 - age;
  const century = year >= 2000 ? 1 : 5;
  const last = sex === "female" ? 8 : 9;
  const mykad = `${String(year % 100).padStart(2, "0")}${String(1 + (i % 12)).padStart(2, "0")}${String(1 + ((i * 7) % 28)).padStart(2, "0")}10${century}${String((i * 37) % 100).padStart(2, "0")}${last}`;
  return { name, mykad, age, sex };
});

export function birthOf(mykad: string): string | null {
  const century = Number(mykad[8]) >= 5 ? "19" : "20";
  const day = `${century}${mykad.slice(0, 2)}-${mykad.slice(2, 4)}-${mykad.slice(4, 6)}`;
  const date = new Date(day);
  return Number.isNaN(date.getTime()) ? null : day;
}

export const REASONS = ["Fever and cough, 3 days", "Blood pressure follow-up", "Batuk dan selsema", "Diabetes review", "Sakit pinggang", "Skin rash on both arms", "Medical certificate", "Cirit-birit sejak semalam", "Vaccination", "Ear pain, left"];

export const DIRECTIONS = [
  ["Makan 2 biji, setiap 6 jam, bila perlu", "Selepas makan"],
  ["Makan 1 biji, sekali sehari", "Mungkin mengantuk: jangan memandu"],
  ["Makan 2 biji, sekali sehari, 3 hari", "Habiskan ubat ini"],
];

export const WORDS = "abandon river mango lamp copper window orbit sugar velvet candy harbor tunnel meadow silver anchor basket cactus dolphin emerge forest garden hammer island jungle".split(" ");

const cells: string[] = [];
for (let y = 0; y < 25; y += 1)
  for (let x = 0; x < 25; x += 1) {
    const corner = (cx: number, cy: number) => x >= cx && x < cx + 7 && y >= cy && y < cy + 7;
    const ring = (cx: number, cy: number) => Math.max(Math.abs(x - cx - 3), Math.abs(y - cy - 3));
    const finder = [
      [0, 0],
      [18, 0],
      [0, 18],
    ].find(([cx, cy]) => corner(cx as number, cy as number));
    const dark = finder ? ring(finder[0] as number, finder[1] as number) !== 2 : (x * 7 + y * 13 + ((x * y) % 5)) % 3 === 0;
    if (dark) cells.push(`M${x} ${y}h1v1h-1z`);
  }
export const QR_SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 -2 29 29" shape-rendering="crispEdges"><rect x="-2" y="-2" width="29" height="29" fill="#fff"/><path d="${cells.join("")}" fill="#000"/></svg>`;
