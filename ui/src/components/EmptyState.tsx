import type { ComponentType, ReactNode } from "react";
import styles from "./EmptyState.module.css";

interface Props {
  icon?: ComponentType<{ size?: number | string; stroke?: number; "aria-hidden"?: boolean }>;
  title: string;
  help: string;
  children?: ReactNode;
}

/** What will appear here, and the button that starts it. */
export function EmptyState({ icon: Icon, title, help, children }: Props) {
  return (
    <div className={styles.empty}>
      {Icon && (
        <span className={styles.icon}>
          <Icon size="1.625rem" stroke={1.6} aria-hidden />
        </span>
      )}
      <p className={styles.title}>{title}</p>
      <p className={styles.help}>{help}</p>
      {children}
    </div>
  );
}
