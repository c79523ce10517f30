import { Button } from "@mantine/core";
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import styles from "./Consent.module.css";

const WIDTH = 600;
const HEIGHT = 220;
/** How far an arrow key moves the pen. */
const STEP = 12;
const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
/** Enough for any signature; a palm that rests on the glass must not grow the record without end. */
const MOST = 24_000;

/** A signature by finger, pen or mouse, or a mark by the arrow keys, kept as an SVG path in a box of 600 × 220. */
export function Signature({ value, onChange, label }: { value: string; onChange: (path: string) => void; label: string }) {
  const { t } = useTranslation();
  const [drawing, setDrawing] = useState(false);
  const path = useRef(value);
  /** The pen of who signs by keyboard: where it is, and whether it writes. */
  const [pen, setPen] = useState({ x: 60, y: 150, down: false });
  const point = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - box.left) / (box.width || 1)) * WIDTH;
    const y = ((event.clientY - box.top) / (box.height || 1)) * HEIGHT;
    return `${Math.round(x)} ${Math.round(y)}`;
  };
  const add = (step: string) => {
    if (path.current.length > MOST) return;
    path.current += step;
    onChange(path.current);
  };
  const onKey = (event: KeyboardEvent) => {
    const arrow = ARROWS[event.key];
    if (arrow) {
      const x = Math.min(WIDTH, Math.max(0, pen.x + arrow[0]));
      const y = Math.min(HEIGHT, Math.max(0, pen.y + arrow[1]));
      if (pen.down) add(`L${x} ${y}`);
      setPen({ ...pen, x, y });
    } else if (event.key === " ") {
      if (!pen.down) add(`M${pen.x} ${pen.y}`);
      setPen({ ...pen, down: !pen.down });
    } else return;
    event.preventDefault();
  };
  return (
    <div className={styles.signature}>
      {/* What is drawn on is no widget that a role knows: it takes strokes and keys itself. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        className={styles.pad}
        role="application"
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        aria-label={label}
        aria-describedby="signature-keys"
        data-testid="signature"
        onKeyDown={onKey}
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture?.(e.pointerId);
          setDrawing(true);
          add(`M${point(e)}`);
        }}
        onPointerMove={(e) => drawing && add(`L${point(e)}`)}
        onPointerUp={() => setDrawing(false)}
        onPointerCancel={() => setDrawing(false)}
      >
        <line x1="30" y1="172" x2="570" y2="172" className={styles.rule} />
        <path d={value} className={styles.ink} />
        <circle cx={pen.x} cy={pen.y} r={pen.down ? 5 : 8} className={styles.pen} data-down={pen.down} />
      </svg>
      <p className={styles.keys} id="signature-keys">
        {t("consent.sign.keys")}
      </p>
      <div className={styles.signatureFoot}>
        <span>{label}</span>
        <Button
          variant="subtle"
          color="gray"
          disabled={value === ""}
          onClick={() => {
            path.current = "";
            onChange("");
          }}
          className={styles.big}
        >
          {t("consent.sign.again")}
        </Button>
      </div>
    </div>
  );
}
