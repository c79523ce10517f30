import { IconBackspace } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import styles from "./PinPad.module.css";

export const PIN_LENGTH = 6;

interface Props {
  value: string;
  onChange: (pin: string) => void;
  disabled?: boolean;
  /** Changes with each refusal: the pad shakes once. */
  refusals?: number;
  label: string;
}

/** Six digits on keys for fingers; the keyboard's digits work too. Enter does nothing here. */
export function PinPad({ value, onChange, disabled = false, refusals = 0, label }: Props) {
  const { t } = useTranslation();
  const dots = useRef<HTMLDivElement>(null);
  const pad = useRef<HTMLDivElement>(null);
  // Fast typing may outrun a render: the newest value is kept here.
  const newest = useRef(value);
  newest.current = value;

  const press = (digit: string) => {
    if (disabled || newest.current.length >= PIN_LENGTH) return;
    newest.current += digit;
    onChange(newest.current);
  };
  const back = () => {
    if (disabled) return;
    newest.current = newest.current.slice(0, -1);
    onChange(newest.current);
  };

  const act = useRef({ press, back });
  act.current = { press, back };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      if (target && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^\d$/.test(event.key)) act.current.press(event.key);
      else if (event.key === "Backspace") act.current.back();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  useEffect(() => {
    const element = dots.current;
    if (refusals === 0 || !element) return;
    pad.current?.focus();
    element.classList.remove(styles.shake ?? "");
    void element.offsetWidth;
    element.classList.add(styles.shake ?? "");
  }, [refusals]);

  return (
    <div className={styles.pad} role="group" aria-label={label} ref={pad} tabIndex={-1} data-autofocus>
      <div className={styles.dots} ref={dots} data-refusals={refusals}>
        {Array.from({ length: PIN_LENGTH }, (_, i) => (
          <span key={i} className={styles.dot} data-on={i < value.length} />
        ))}
        <span className="sr" role="status">
          {t("common.pin.entered", { n: value.length, of: PIN_LENGTH })}
        </span>
      </div>
      <div className={styles.keys}>
        {["1", "2", "3", "4", "5", "6", "7", "8", "9"].map((digit) => (
          <button key={digit} type="button" className={styles.key} disabled={disabled} onClick={() => press(digit)}>
            {digit}
          </button>
        ))}
        <span />
        <button type="button" className={styles.key} disabled={disabled} onClick={() => press("0")}>
          {"0"}
        </button>
        <button
          type="button"
          className={`${styles.key} ${styles.quiet}`}
          disabled={disabled}
          onClick={back}
          aria-label={t("common.pin.delete")}
        >
          <IconBackspace size="1.625rem" stroke={1.6} aria-hidden />
        </button>
      </div>
    </div>
  );
}
