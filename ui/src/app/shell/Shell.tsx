import { ActionIcon, Menu, Tooltip, useMantineColorScheme, VisuallyHidden } from "@mantine/core";
import { useHotkeys, useIdle } from "@mantine/hooks";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { IconCheck, IconChevronDown, IconDeviceDesktop, IconEyeOff, IconLock, IconMoon, IconSearch, IconSun } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { SessionView } from "@/api";
import { useLock } from "@/api/useLock";
import { ArrivingStrip } from "@/components/ArrivingStrip";
import { Mark } from "@/components/Brand";
import { ClinicSwitch } from "@/components/ClinicSwitch";
import { Initials } from "@/components/Initials";
import { LanguageSwitch } from "@/components/LanguageSwitch";
import { RemovedStrip } from "@/components/RemovedStrip";
import { setWindow, useWindow } from "@/lib/window";
import { placesOf } from "./places";
import { Search } from "./Search";
import styles from "./Shell.module.css";
import { StatusBar } from "./StatusBar";

export function Shell({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const [searching, setSearching] = useState(false);
  const { blurred } = useWindow();
  const lock = useLock();
  const idle = useIdle(Math.max(1, session.lock_after_minutes) * 60_000, { initialState: false });
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (s) => s.location.pathname });

  useHotkeys([
    ["mod+K", () => setSearching(true)],
    ["/", () => setSearching(true)],
  ]);
  useEffect(() => {
    if (idle) void lock(path);
    // Locks once, when the rest begins.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [idle]);
  const place = path.split("/")[1];
  useEffect(() => {
    // Focus moves with the place, so that the keyboard and a screen reader start at its top.
    if (place) main.current?.focus({ preventScroll: true });
  }, [place]);

  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#workspace" onClick={(e) => (e.preventDefault(), main.current?.focus())}>
        {t("shell.skip")}
      </a>
      <header className={styles.header}>
        <span className={styles.mark}>
          <Mark size={30} />
        </span>
        <ClinicSwitch />
        <button type="button" className={styles.search} onClick={() => setSearching(true)} title={t("shell.search.open")}>
          <IconSearch size="1.125rem" aria-hidden />
          <span className={styles.searchText}>{t("shell.search.hint")}</span>
          <kbd className={styles.kbd}>{t("shell.search.keys")}</kbd>
        </button>
        <div className={styles.tools}>
          <LanguageSwitch />
          <Tooltip label={t("shell.blur")}>
            <ActionIcon aria-label={t("shell.blur")} aria-pressed={blurred} onClick={() => setWindow({ blurred: !blurred })}>
              <IconEyeOff size="1.3125rem" stroke={1.7} aria-hidden />
            </ActionIcon>
          </Tooltip>
          <Person session={session} />
          <Tooltip label={t("shell.lock")}>
            <ActionIcon aria-label={t("shell.lock")} onClick={() => void lock()}>
              <IconLock size="1.3125rem" stroke={1.7} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </div>
      </header>
      <div className={styles.strip}>
        <RemovedStrip>
          <Link to="/sync">{t("shell.removed.open")}</Link>
        </RemovedStrip>
        <ArrivingStrip />
      </div>
      <nav className={styles.nav} aria-label={t("shell.places")}>
        {placesOf(session).map(({ name, path: to, icon: Icon }) => (
          <Link key={name} to={to} className={styles.place} activeProps={{ "data-active": true }} data-place={name}>
            <Icon size="1.5rem" stroke={1.6} aria-hidden />
            <span>{t(`shell.place.${name}`)}</span>
          </Link>
        ))}
      </nav>
      <main className={styles.main} id="workspace" ref={main} tabIndex={-1} data-blurred={blurred}>
        <Outlet />
        {blurred && (
          <button type="button" className={styles.unblur} onClick={() => setWindow({ blurred: false })}>
            <IconEyeOff size="2.125rem" stroke={1.5} aria-hidden />
            {t("shell.blurred")}
          </button>
        )}
      </main>
      <StatusBar session={session} />
      <Search opened={searching} onClose={() => setSearching(false)} session={session} />
    </div>
  );
}

function Person({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const lock = useLock();
  const schemes = [
    { value: "light", icon: IconSun },
    { value: "dark", icon: IconMoon },
    { value: "auto", icon: IconDeviceDesktop },
  ] as const;
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <button type="button" className={styles.person}>
          <Initials name={session.name} size={30} />
          <span className={styles.personName} aria-hidden>
            {session.name}
          </span>
          <VisuallyHidden>{t("shell.person", { name: session.name })}</VisuallyHidden>
          <IconChevronDown size="1rem" aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{`${session.name} · ${t(`common.role.${session.role}`)}`}</Menu.Label>
        {schemes.map(({ value, icon: Icon }) => (
          <Menu.Item
            key={value}
            mih={44}
            leftSection={<Icon size="1.125rem" aria-hidden />}
            rightSection={colorScheme === value ? <IconCheck size="1rem" aria-hidden /> : null}
            onClick={() => setColorScheme(value)}
          >
            {t(`shell.scheme.${value}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item mih={44} leftSection={<IconLock size="1.125rem" aria-hidden />} onClick={() => void lock()}>
          {t("shell.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
