import { rem } from "@/lib/rem";
import styles from "./Initials.module.css";

const TITLES = new Set(["dr", "dr.", "en", "en.", "pn", "pn.", "cik", "encik", "puan", "tuan", "bin", "binti", "a/l", "a/p", "hj", "hjh", "haji", "hajah"]);

export function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((w) => w && !TITLES.has(w.toLowerCase()));
  return ((words[0]?.[0] ?? "") + (words[1]?.[0] ?? "")).toUpperCase() || "?";
}

/** A face without a photo: initials on one of six quiet grounds. */
export function Initials({ name, size = 44 }: { name: string; size?: number }) {
  let sum = 0;
  for (const c of name) sum += c.charCodeAt(0);
  return (
    <span className={styles.face} data-tone={sum % 6} style={{ width: rem(size), height: rem(size), fontSize: rem(size * 0.38) }} aria-hidden>
      {initialsOf(name)}
    </span>
  );
}
