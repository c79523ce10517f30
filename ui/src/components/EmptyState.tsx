import type { ComponentType, ReactNode } from "react";
import { MayStillCome } from "./MayStillCome";
import styles from "./EmptyState.module.css";

interface Props {
  icon?: ComponentType<{ size?: number | string; stroke?: number; "aria-hidden"?: boolean }>;
  title: string;
  help: string;
  /** The clinic's records would stand here: on a device that does not have them all, they may still come. */
  records?: boolean;
  children?: ReactNode;
}

/** What will appear here, and the button that starts it. */
export function EmptyState({ icon: Icon, title, help, records = false, children }: Props) {
  return (
    <div className={styles.empty}>
      {Icon && (
        <span className={styles.icon}>
          <Icon size="1.625rem" stroke={1.6} aria-hidden />
        </span>
      )}
      <p className={styles.title}>{title}</p>
      <p className={styles.help}>{help}</p>
      {records && <MayStillCome />}
      {children}
    </div>
  );
}
