import { type ReactNode } from "react";
import { Brand } from "@/components/Brand";
import { LanguageSwitch } from "@/components/LanguageSwitch";
import styles from "./SignIn.module.css";

/** A page before anybody can sign in: which clinic, and what is to be done or waited for. */
export function Frame({ name, screen, children }: { name: string; screen: string; children: ReactNode }) {
  return (
    <div className={styles.page}>
      <header className={styles.top}>
        <Brand />
        <LanguageSwitch />
      </header>
      <main className={styles.choose} data-screen={screen}>
        <h1 className={styles.clinic}>{name}</h1>
        {children}
      </main>
    </div>
  );
}
