import { TextInput } from "@mantine/core";
import { type ClipboardEvent, type KeyboardEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { KIT_LENGTH, KIT_WORDS, wordsIn } from "@/lib/kitWords";
import styles from "./KitWords.module.css";

const NONE = Array.from({ length: KIT_LENGTH }, () => "");

/** The twenty-four words of the recovery kit, each looked at as it is typed; `null` is told until all of them can be a kit's. */
export function KitWords({ given = null, onChange }: { given?: string | null; onChange: (words: string | null) => void }) {
  const { t } = useTranslation();
  const [words, setWords] = useState(given?.split(" ") ?? NONE);
  const [left, setLeft] = useState<ReadonlySet<number>>(new Set());
  const grid = useRef<HTMLDivElement>(null);
  const missing = words.filter((word) => !KIT_WORDS.has(word)).length;

  const put = (from: number, typed: string[]) => {
    const next = words.map((word, i) => typed[i - from] ?? word);
    setWords(next);
    onChange(next.every((word) => KIT_WORDS.has(word)) ? next.join(" ") : null);
  };
  const goTo = (n: number) => grid.current?.querySelectorAll("input")[Math.min(n, KIT_LENGTH - 1)]?.focus();
  const paste = (event: ClipboardEvent, at: number) => {
    const pasted = wordsIn(event.clipboardData.getData("text"));
    if (pasted.words.length < 2) return;
    event.preventDefault();
    const from = pasted.numbered ? 0 : at;
    put(from, pasted.words.slice(0, KIT_LENGTH - from));
    goTo(from + pasted.words.length - 1);
  };
  const onKey = (event: KeyboardEvent, at: number) => {
    // The space behind a word leads to the next; Enter never sends the form from here.
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (words[at]) goTo(at + 1);
  };

  return (
    <fieldset className={styles.kit} data-testid="kit">
      <legend>{t("common.kit.legend")}</legend>
      <p className={styles.help}>{t("common.kit.help")}</p>
      <div className={styles.words} ref={grid}>
        {words.map((word, i) => (
          <TextInput
            // A place among the words is what it is.
            // oxlint-disable-next-line react/no-array-index-key
            key={i}
            label={t("common.kit.word", { n: i + 1 })}
            autoComplete="off"
            autoCapitalize="none"
            autoCorrect="off"
            spellCheck={false}
            value={word}
            error={left.has(i) && word !== "" && !KIT_WORDS.has(word) ? t("common.kit.notWord") : null}
            onChange={(e) => put(i, [e.currentTarget.value.trim().toLowerCase()])}
            onPaste={(e) => paste(e, i)}
            onKeyDown={(e) => onKey(e, i)}
            onBlur={() => setLeft((old) => new Set(old).add(i))}
          />
        ))}
      </div>
      <p role="status" className={styles.help}>
        {missing > 0 ? t("common.kit.left", { count: missing }) : t("common.kit.all")}
      </p>
    </fieldset>
  );
}
