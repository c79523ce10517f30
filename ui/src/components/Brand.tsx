import { rem } from "@/lib/rem";
import styles from "./Brand.module.css";

/** The mark: a leaf folded into a cross. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg className={styles.mark} width={rem(size)} height={rem(size)} viewBox="0 0 32 32" aria-hidden focusable="false">
      <rect width="32" height="32" rx="9" fill="var(--accent)" />
      <path d="M13 7h6v6h6v6h-6v6h-6v-6H7v-6h6z" fill="var(--on-accent)" opacity="0.96" />
      <path d="M13 19c0-4 3-6.4 6-6 .4 3.4-2 6-6 6z" fill="var(--accent)" />
    </svg>
  );
}

const NAME = "MediEco";

export function Brand() {
  return (
    <span className={styles.brand}>
      <Mark />
      <span className={styles.name}>{NAME}</span>
    </span>
  );
}
