import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { en, ms } from "@/lib/words";

const PLURAL = /_(zero|one|two|few|many|other)$/;
type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, prefix = ""): Map<string, string> {
  const out = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") out.set(prefix + key, value);
    else for (const [k, v] of flat(value, `${prefix}${key}.`)) out.set(k, v);
  }
  return out;
}
const base = (keys: Iterable<string>) => new Set([...keys].map((k) => k.replace(PLURAL, "")));
const files = (dir: string): string[] =>
  readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    return statSync(path).isDirectory() ? files(path) : /\.tsx?$/.test(name) ? [path] : [];
  });

const english = flat(en as unknown as Tree);
const malay = flat(ms as unknown as Tree);
const source = files(join(import.meta.dirname, "../src"))
  .filter((f) => !f.endsWith("bindings.gen.ts"))
  .map((f) => readFileSync(f, "utf8"))
  .join("\n");

describe("the words", () => {
  it("have the same keys in English and Malay", () => {
    expect([...base(malay.keys())].sort()).toEqual([...base(english.keys())].sort());
  });

  it("are never empty, and never the other language's sentence", () => {
    for (const [key, words] of [...english, ...malay]) expect(words.trim(), key).not.toBe("");
    const same = [...malay].filter(([key, words]) => words === english.get(key) && /\p{L}{3,} \p{L}{3,} \p{L}{3,}/u.test(words)).map(([key]) => key)
      // A person's name is the same in both.
      .filter((key) => key !== "admin.staff.nameExample");
    expect(same).toEqual([]);
  });

  it("name the same parameters in both languages", () => {
    const params = (words: string) => [...words.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]).sort().filter((p, i, all) => p !== "count" && all.indexOf(p) === i);
    const of = (all: Map<string, string>, key: string) => params(all.get(key) ?? all.get(`${key}_other`) ?? "");
    for (const key of base(english.keys())) expect([key, of(malay, key)]).toEqual([key, of(english, key)]);
  });

  it("have the plural forms that each language needs", () => {
    for (const [words, language] of [
      [english, "en"],
      [malay, "ms"],
    ] as const) {
      const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
      const counted = [...words.keys()].filter((k) => PLURAL.test(k)).map((k) => k.replace(PLURAL, ""));
      for (const key of new Set(counted)) for (const form of needed) expect(words.has(`${key}_${form}`), `${language} ${key}_${form}`).toBe(true);
    }
  });

  it("are all used, and every used one exists", () => {
    const keys = base(english.keys());
    const literal = new Set([...source.matchAll(/["'`]([a-z]+(?:\.[A-Za-z0-9_]+)+)["'`]/g)].map((m) => m[1] as string));
    const dynamic = [...source.matchAll(/`([a-z]+(?:\.[A-Za-z0-9_]+)*)\.\$\{[^`]*?\}((?:\.[A-Za-z0-9_]+)*(?:\$\{)?[A-Za-z]*)`/g)].map((m) => ({ start: `${m[1]}.`, end: (m[2] ?? "").replace("${", "") }));
    const unused = [...keys].filter((key) => !literal.has(key) && !dynamic.some((d) => key.startsWith(d.start) && key.endsWith(d.end)));
    expect(unused).toEqual([]);
    const parts = new Set(Object.keys(en));
    const missing = [...literal].filter((key) => parts.has(key.split(".")[0] ?? "") && !keys.has(key) && ![...keys].some((k) => k.startsWith(`${key}.`)));
    expect(missing).toEqual([]);
  });

  it("know every error code and every finding of the backend", () => {
    const bindings = readFileSync(join(import.meta.dirname, "../src/api/bindings.gen.ts"), "utf8");
    const union = /export type ErrorCode =([\s\S]*?");/.exec(bindings)?.[1] ?? "";
    const codes = [...`${union}"`.matchAll(/"([a-z_]+)"/g)].map((m) => m[1] as string);
    expect(codes.length).toBeGreaterThan(20);
    for (const code of codes) expect(english.has(`errors.${code}.title`), code).toBe(true);

    const rust = (path: string) => readFileSync(join(import.meta.dirname, "../../crates", path), "utf8");
    const fixed = /const FIXED[\s\S]*?\];/.exec(rust("pharmacy/src/finding.rs"))?.[0] ?? "";
    const titles = [...fixed.matchAll(/"([a-z_]+)"/g)].map((m) => m[1] as string);
    const rows = rust("knowledge/data/interactions.csv").split("\n").slice(1).filter(Boolean);
    for (const row of rows) titles.push(`interaction_${row.split(",")[3]}`);
    expect(titles.length).toBeGreaterThan(19);
    for (const title of titles) expect(english.has(`findings.${title}`), title).toBe(true);
  });
});
