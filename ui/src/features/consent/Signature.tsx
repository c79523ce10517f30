import { Button } from "@mantine/core";
import { type PointerEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import styles from "./Consent.module.css";

const WIDTH = 600;
const HEIGHT = 220;
/** Enough for any signature; a palm that rests on the glass must not grow the record without end. */
const MOST = 24_000;

/** A signature by finger, pen or mouse, kept as an SVG path in a box of 600 × 220. */
export function Signature({ value, onChange, label }: { value: string; onChange: (path: string) => void; label: string }) {
  const { t } = useTranslation();
  const [drawing, setDrawing] = useState(false);
  const path = useRef(value);
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
  return (
    <div className={styles.signature}>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        className={styles.pad}
        role="img"
        aria-label={label}
        data-testid="signature"
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
      </svg>
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
