import { Tabs } from "@mantine/core";
import type { ComponentType, ReactNode } from "react";
import page from "./Page.module.css";
import styles from "./TabPage.module.css";

interface Tab<Name extends string> {
  name: Name;
  label: string;
  icon: ComponentType<{ size?: number | string; "aria-hidden"?: boolean }>;
  /** How many things wait behind it. */
  count?: number;
  panel: ReactNode;
}

interface Props<Name extends string> {
  screen: string;
  title: string;
  tabs: Tab<Name>[];
  now: Name;
  onChange: (name: Name) => void;
  /** Between the title and the tabs: an error of the whole page. */
  children?: ReactNode;
}

/** A screen of several parts, one in sight: its title, its tabs, the part. */
export function TabPage<Name extends string>({ screen, title, tabs, now, onChange, children }: Props<Name>) {
  return (
    <div className={page.page} data-screen={screen}>
      <h1 className={page.title}>{title}</h1>
      {children}
      <Tabs value={now} onChange={(name) => name && onChange(name as Name)} keepMounted={false}>
        <Tabs.List>
          {tabs.map(({ name, label, icon: Icon, count }) => (
            <Tabs.Tab key={name} value={name} leftSection={<Icon size="1.125rem" aria-hidden />} className={styles.tab}>
              {label}
              {count !== undefined && <span className={styles.count}>{count}</span>}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(({ name, panel }) => (
          <Tabs.Panel key={name} value={name} className={styles.panel}>
            {panel}
          </Tabs.Panel>
        ))}
      </Tabs>
    </div>
  );
}
