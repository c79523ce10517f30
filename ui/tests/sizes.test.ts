import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = join(import.meta.dirname, "../src");
const files = (dir: string, ending: RegExp): string[] =>
  readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    return statSync(path).isDirectory() ? files(path, ending) : ending.test(name) ? [path] : [];
  });
const linesOf = (ending: RegExp) => files(SRC, ending).flatMap((file) => readFileSync(file, "utf8").split("\n").map((line, i) => ({ where: `${relative(SRC, file)}:${i + 1}`, line })));

// jsdom has no layout: that larger text grows everything with it is held by how sizes are written.
describe("larger text", () => {
  it("grows fonts, heights, widths and gaps: none is in pixels, but hairlines and the corners of boxes", () => {
    const sized = /^\s*(?:font(?:-size)?|line-height|(?:min-|max-)?(?:height|width)|grid-template[\w-]*|gap|padding[\w-]*|margin[\w-]*|--[\w-]+)\s*:\s*(.*)/;
    const bad = linesOf(/\.css$/).filter(({ line }) => [...(sized.exec(line)?.[1] ?? "").matchAll(/([\d.]+)px/g)].some(([, n]) => Number(n) > 2) && !/--shadow/.test(line));
    expect(bad.map(({ where, line }) => `${where} ${line.trim()}`)).toEqual([]);
    const set = linesOf(/\.tsx?$/).filter(({ line }) => /"--[\w-]+": "[\d.]+px"/.test(line));
    expect(set).toEqual([]);
  });

  it("grows icons, too: each is as wide as it is written, in rem", () => {
    const icons = linesOf(/\.tsx$/).filter(({ line }) => /<(Icon\w*|[a-z]+\.icon)[\s/>]/.test(line) && !/<Icon\w*>/.test(line));
    expect(icons.length).toBeGreaterThan(100);
    expect(icons.filter(({ line }) => !/size=("[\d.]+rem"|\{[^}]*rem[^}]*\})/.test(line)).map(({ where, line }) => `${where} ${line.trim()}`)).toEqual([]);
  });

  it("counts as less room: a layout asks its container in rem, not the window in pixels", () => {
    const asks = linesOf(/\.css$/).filter(({ line }) => /@(media|container)/.test(line));
    expect(asks.length).toBeGreaterThan(10);
    const pixels = asks.filter(({ line }) => /\(m(ax|in)-width: [\d.]+px\)/.test(line) && !/orientation: portrait/.test(line));
    expect(pixels).toEqual([]);
  });
});

describe("a finger", () => {
  it("hits 44 px wherever the pointer is coarse, whatever a mouse is given", () => {
    const tokens = readFileSync(join(SRC, "app/tokens.css"), "utf8");
    const coarse = /@media \(pointer: coarse\) \{([\s\S]*?)\n\}/.exec(tokens)?.[1] ?? "";
    const [first = ""] = coarse.split("}");
    expect(first).toContain("min-height: 2.75rem");
    for (const what of ["button", "summary", '[role="menuitem"]', ".mantine-Chip-label", ".mantine-SegmentedControl-label", ".mantine-Radio-label", ".mantine-Checkbox-label", ".mantine-Switch-label"]) expect(first).toContain(what);
  });
});

describe("calm", () => {
  it("is kept in one place, for everything that moves", () => {
    const tokens = readFileSync(join(SRC, "app/tokens.css"), "utf8");
    const reduced = /@media \(prefers-reduced-motion: reduce\) \{([\s\S]*?)\n\}/.exec(tokens)?.[1] ?? "";
    for (const what of ["animation-duration: 1ms !important", "animation-iteration-count: 1 !important", "transition-duration: 1ms !important", "scroll-behavior: auto !important"]) expect(reduced).toContain(what);
    const overruled = linesOf(/\.css$/).filter(({ where, line }) => !where.startsWith("app/tokens.css") && /(animation|transition)[\w-]*:.*!important/.test(line));
    expect(overruled).toEqual([]);
  });

  it("leaves the focus in sight: who takes the outline away shows it otherwise", () => {
    for (const file of files(SRC, /\.css$/)) {
      const css = readFileSync(file, "utf8");
      const bare = /outline:\s*(0|none)/.test(css.replaceAll(/(main|h1|\.pad|\[tabindex="-1"\]):focus[^{]*\{[^}]*\}/g, ""));
      if (bare) expect([relative(SRC, file), css.includes(":focus-within")]).toEqual([relative(SRC, file), true]);
    }
  });
});
