import { IconMessages } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Heard, VisitView } from "@/api";
import { useLive } from "@/api/live";
import { clock } from "@/lib/time";
import styles from "./Consult.module.css";

/** Who said what, when. While people speak it stands open and follows; afterwards it folds away. */
export function Turns({ view, onPlay }: { view: VisitView; onPlay: (heard: Heard) => void }) {
  const { t } = useTranslation();
  const live = useLive(view.visit);
  const end = useRef<HTMLDivElement>(null);
  const last = view.recordings.at(-1);
  const turns = last?.turns ?? [];
  const running = last?.state === "recording" || last?.state === "transcribing";
  const partial = running && live?.recording === last?.id ? live?.partial : null;
  useEffect(() => {
    const box = end.current?.parentElement;
    if (running && box) box.scrollTop = box.scrollHeight;
  }, [running, turns.length, partial]);
  if (!last || (turns.length === 0 && !running)) return null;
  return (
    <details className={styles.turns} open={running} data-testid="turns">
      <summary>
        <IconMessages size="1.125rem" aria-hidden />
        {t("consult.turns.title", { count: turns.length })}
      </summary>
      <div className={styles.turnList}>
        {turns.map((turn) => (
          <button key={turn.span.start_ms} type="button" className={styles.turn} data-speaker={turn.speaker} onClick={() => onPlay({ ...turn.span, recording: last.id })}>
            <span className={styles.turnAt}>{clock(turn.span.start_ms)}</span>
            <span className={styles.speaker} data-uncertain={turn.certainty === "uncertain"}>
              {t(`consult.turns.speaker.${turn.speaker}`)}
              {turn.certainty === "uncertain" && <span className="sr">{t("consult.turns.uncertain")}</span>}
            </span>
            <span lang={turn.language ?? undefined}>{turn.text}</span>
          </button>
        ))}
        {partial && (
          <p className={styles.partial} data-testid="partial">
            {partial}
          </p>
        )}
        {running && turns.length === 0 && !partial && <p className={styles.partial}>{t("consult.turns.listening")}</p>}
        <div ref={end} />
      </div>
    </details>
  );
}
