import { Textarea } from "@mantine/core";
import { IconCheck, IconEyeCheck, IconPlayerPlayFilled, IconX } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Heard, NoteSection, NoteSentence } from "@/api";
import { clock } from "@/lib/time";
import styles from "./Consult.module.css";
import { type Sentence, sentence } from "./useNote";

/** ▸0:12 plays those seconds. There is none where nobody heard it, or where the recording is not known. */
export function PlayChip({ heard, onPlay }: { heard: Heard | null; onPlay: (heard: Heard) => void }) {
  const { t } = useTranslation();
  if (!heard?.recording) return null;
  return (
    <button type="button" className={styles.play} onClick={() => onPlay(heard)} aria-label={t("consult.note.playFrom", { at: clock(heard.start_ms) })}>
      <IconPlayerPlayFilled size="0.6875rem" aria-hidden />
      {clock(heard.start_ms)}
    </button>
  );
}

interface Props {
  section: NoteSection;
  sentences: Sentence[];
  proposed: NoteSentence[];
  onChange: (sentences: Sentence[]) => void;
  onAccept: (proposed: NoteSentence) => void;
  onDismiss: (proposed: NoteSentence) => void;
  onPlay: (heard: Heard) => void;
}

/** One part of the note, sentence by sentence; what is proposed stands below until it is taken over or dismissed. */
export function Section({ section, sentences, proposed, onChange, onAccept, onDismiss, onPlay }: Props) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const focusNext = useRef<number | null>(null);
  useEffect(() => {
    if (focusNext.current === null) return;
    box.current?.querySelectorAll("textarea")[focusNext.current]?.focus();
    focusNext.current = null;
  });
  const shown = sentences.length > 0 ? sentences : [BLANK];
  const put = (index: number, change: Partial<Sentence>) => onChange(shown.map((s, i) => (i === index ? { ...s, ...change } : s)));
  const play = (index: number, heard: Heard) => {
    onPlay(heard);
    put(index, { unseen: false });
  };

  return (
    <section className={styles.section} aria-labelledby={`note-${section}`} data-section={section}>
      <h3 className={styles.letter} id={`note-${section}`}>
        <span aria-hidden>{t(`consult.section.${section}.letter`)}</span>
        <span className={styles.sectionName}>{t(`consult.section.${section}.name`)}</span>
      </h3>
      <div className={styles.sentences} ref={box}>
        {shown.map((s, i) => (
          <div key={s.key} className={styles.sentence} data-unseen={s.unseen}>
            <Textarea
              variant="unstyled"
              autosize
              minRows={1}
              className={styles.text}
              aria-label={t("consult.note.sentence", { section: t(`consult.section.${section}.name`), n: i + 1 })}
              placeholder={sentences.length === 0 ? t(`consult.section.${section}.hint`) : ""}
              value={s.text}
              onChange={(e) => put(i, { text: e.currentTarget.value, unseen: false })}
              onKeyDown={(e) => {
                if (e.key === "Enter" && !e.shiftKey) {
                  e.preventDefault();
                  if (!s.text.trim()) return;
                  focusNext.current = i + 1;
                  onChange([...shown.slice(0, i + 1), sentence({ text: "", source: null }, false), ...shown.slice(i + 1)]);
                } else if (e.key === "Backspace" && s.text === "" && shown.length > 1) {
                  e.preventDefault();
                  focusNext.current = Math.max(0, i - 1);
                  onChange(shown.filter((_, j) => j !== i));
                }
              }}
            />
            {s.unseen && (
              <button type="button" className={styles.look} onClick={() => put(i, { unseen: false })} aria-label={t("consult.note.lookedAt", { text: s.text })}>
                <IconEyeCheck size="1rem" aria-hidden />
                {t("consult.note.look")}
              </button>
            )}
            <PlayChip heard={s.source} onPlay={(heard) => play(i, heard)} />
          </div>
        ))}
        {proposed.map((p) => (
          <div key={`${p.source?.start_ms ?? 0}-${p.text}`} className={styles.proposed} data-testid="proposed">
            <p className={styles.proposedText}>{p.text}</p>
            <PlayChip heard={p.source} onPlay={onPlay} />
            <button type="button" className={styles.accept} onClick={() => onAccept(p)} aria-label={t("consult.draft.accept", { text: p.text })}>
              <IconCheck size="1.125rem" aria-hidden />
            </button>
            <button type="button" className={styles.dismiss} onClick={() => onDismiss(p)} aria-label={t("consult.draft.dismiss", { text: p.text })}>
              <IconX size="1.125rem" aria-hidden />
            </button>
          </div>
        ))}
      </div>
    </section>
  );
}

const BLANK: Sentence = { key: 0, text: "", source: null, unseen: false };
