import { Button, Popover } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconBatteryExclamation, IconDatabaseExport, IconMicrophone, IconMicrophoneOff, IconPlug, IconPlugX, IconPrinter } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PowerView, PrinterView, ScribeView, SessionView, SyncHealth } from "@/api";
import { queries } from "@/api/queries";
import { errorWords } from "@/components/ErrorNote";
import { lieWords, readOf, readPercent, relayWords, sentWords } from "@/components/syncWords";
import { type May, mayOf } from "@/lib/may";
import { ago, clock, showMoment } from "@/lib/time";
import { useNow } from "@/lib/useNow";
import styles from "./StatusBar.module.css";

type Tone = "calm" | "ok" | "amber" | "red";

/** Sync, power, printer, microphone, and a backup that is not made: always in sight; each opens a panel in plain words. */
export function StatusBar({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const { data } = useQuery(queries.status());
  useNow(30_000);
  const may = mayOf(session);
  if (!data) return <footer className={styles.bar} aria-label={t("shell.status.label")} />;
  return (
    <footer className={styles.bar} aria-label={t("shell.status.label")}>
      <Sync sync={data.sync} removed={data.removed} copy={data.is_a_copy} />
      <span className={styles.gap} />
      {data.backup_problem && <Backup problem={data.backup_problem} last={data.last_backup} may={may} />}
      <Power power={data.power} may={may} />
      <Printer printer={data.printer} may={may} />
      <Scribe scribe={data.scribe} may={may} />
    </footer>
  );
}

interface ItemProps {
  name: string;
  tone: Tone;
  icon: ReactNode;
  text: string;
  /** What of it stands there on an upright tablet. */
  short?: string;
  title: string;
  lines: [string, string][];
  help: string;
  action?: { label: string; to: string; search?: Record<string, unknown> };
}

function Item({ name, tone, icon, text, short, title, lines, help, action }: ItemProps) {
  const [opened, setOpened] = useState(false);
  const navigate = useNavigate();
  return (
    <Popover opened={opened} onChange={setOpened} position="top" width={340} shadow="md" trapFocus returnFocus hideDetached={false}>
      <Popover.Target>
        <button type="button" className={styles.item} data-tone={tone} data-status={name} aria-label={text} onClick={() => setOpened((o) => !o)}>
          {icon}
          <span data-length={short === undefined ? undefined : "long"}>{text}</span>
          {short !== undefined && <span data-length="short">{short}</span>}
        </button>
      </Popover.Target>
      <Popover.Dropdown className={styles.panel} aria-label={title}>
        <p className={styles.title}>{title}</p>
        <dl className={styles.lines}>
          {lines.map(([what, value]) => (
            <div key={what}>
              <dt>{what}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <p className={styles.help}>{help}</p>
        {action && (
          <Button
            variant="light"
            fullWidth
            onClick={() => {
              setOpened(false);
              void navigate({ to: action.to, search: action.search });
            }}
          >
            {action.label}
          </Button>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function Sync({ sync, removed, copy }: { sync: SyncHealth; removed: boolean; copy: boolean }) {
  const { t } = useTranslation();
  const suspended = sync.error === "suspended" && !removed;
  const state = removed ? "removed" : copy ? "copy" : suspended ? "suspended" : !sync.has_relay ? "alone" : sync.connected ? "connected" : "offline";
  const nearby = sync.peers.filter((peer) => peer.connected).length;
  const sent = sentWords(sync);
  const relay = sync.connected ? t("shell.sync.relayConnected") : sync.last_contact ? t("shell.sync.relayAgo", { ago: ago(sync.last_contact) }) : t("shell.sync.relayNever");
  const lan = sync.lan.state === "failed" ? t("shell.sync.lanFailed") : sync.peers.length > 0 ? t("shell.sync.lanDevices", { count: nearby }) : null;
  const first = removed ? t("shell.sync.removed") : t("shell.sync.saved");

  // Long where there is room; on the upright tablet only what is not as usual, and who is nearby.
  const parts = [first];
  const short = [first];
  if (sync.has_relay) {
    parts.push(sent, relay);
    if (sync.pending > 0 || sync.sound_pending > 0) short.push(sent);
    if (!sync.connected) short.push(relay);
  }
  if (lan) {
    parts.push(lan);
    short.push(sync.lan.state === "failed" ? lan : t("shell.sync.lanShort", { n: nearby }));
  }
  if (sync.quarantined > 0) {
    const aside = t("shell.sync.asideBar", { count: sync.quarantined });
    parts.push(aside);
    short.push(aside);
  }

  if (suspended) {
    parts.push(t("shell.sync.suspended"));
    short.push(t("shell.sync.suspended"));
  }
  if (copy && !removed) {
    parts.push(t("shell.sync.copy"));
    short.push(t("shell.sync.copy"));
  }
  if (sync.arriving !== null) {
    const arriving = t("shell.sync.arriving", { n: sync.arriving });
    parts.push(arriving);
    short.push(arriving);
  } else if (sync.to_be_read > 0) {
    const reading = t("shell.sync.reading", { n: readPercent(sync) });
    parts.push(reading);
    short.push(reading);
  }
  if (sync.relay_lie) {
    parts.push(t("shell.sync.lie"));
    short.push(t("shell.sync.lie"));
  }
  if (sync.conflicts > 0) {
    const decide = t("shell.sync.decideBar", { count: sync.conflicts });
    parts.push(decide);
    short.push(decide);
  }

  const lines: [string, string][] = [[t("shell.sync.savedHere"), t("shell.sync.everything")]];
  if (sync.has_relay) lines.push([t("shell.sync.sent"), sent], [t("shell.sync.relay"), sync.connected || !sync.last_contact ? relay : showMoment(sync.last_contact)]);
  lines.push([t("shell.sync.lan"), sync.lan.state === "failed" ? t("shell.sync.lanFailed") : sync.lan.state === "off" ? t("shell.sync.lanOff") : t("shell.sync.lanWith", { count: nearby })]);
  if (sync.quarantined > 0) lines.push([t("shell.sync.aside"), t("shell.sync.asideCount", { count: sync.quarantined })]);
  if (sync.conflicts > 0) lines.push([t("shell.sync.decide"), t("shell.sync.decideCount", { count: sync.conflicts })]);
  if (sync.arriving !== null) lines.push([t("shell.sync.arrivingLine"), t("shell.sync.arrivingCount", { n: sync.arriving })]);
  else if (sync.to_be_read > 0) lines.push([t("shell.sync.readingLine"), t("sync.state.readingStage", readOf(sync))]);
  if (sync.relay_lie) lines.push([t("shell.sync.relay"), lieWords(sync.relay_lie).title]);
  if (sync.error) lines.push([t("shell.sync.lastTry"), relayWords(sync.error).title]);
  return (
    <Item
      name="sync"
      tone={removed || copy ? "red" : suspended || sync.quarantined > 0 || sync.conflicts > 0 || sync.relay_lie ? "amber" : "calm"}
      icon={<span className={styles.dot} data-state={suspended ? "offline" : state} aria-hidden />}
      text={parts.join(" · ")}
      short={short.join(" · ")}
      title={t(`shell.sync.title.${state}`)}
      lines={lines}
      help={t(`shell.sync.help.${state}`)}
      action={{ label: t("shell.sync.open"), to: "/sync" }}
    />
  );
}

/** Only in sight while the last try made no backup. */
function Backup({ problem, last, may }: { problem: string; last: string | null; may: May }) {
  const { t } = useTranslation();
  const { title, help } = errorWords({ code: problem });
  return (
    <Item
      name="backup"
      tone="amber"
      icon={<IconDatabaseExport size="1.125rem" aria-hidden />}
      text={t("shell.backup.problem")}
      title={title}
      lines={[[t("shell.backup.last"), last ? showMoment(last) : t("shell.backup.never")]]}
      help={help}
      action={may.changeDevice ? { label: t("shell.backup.open"), to: "/admin/backup" } : undefined}
    />
  );
}

function Power({ power, may }: { power: PowerView; may: May }) {
  const { t } = useTranslation();
  useNow(power.on_battery_since ? 1000 : 60_000);
  const tone: Tone = { not_set: "calm", mains: "calm", battery: "amber", low: "red", degraded: "amber", unknown: "amber", battery_fault: "amber" }[
    power.state
  ] as Tone;
  const since = power.on_battery_since;
  const lines: [string, string][] = [];
  if (since) lines.push([t("shell.power.since"), `${showMoment(since)} (${clock(Date.now() - new Date(since).getTime())})`]);
  if (power.load_percent !== null) lines.push([t("shell.power.load"), t("common.percent", { n: power.load_percent })]);
  if (power.paused) lines.push([t("shell.power.paused"), t("shell.power.pausedWhat")]);
  const word = t(`shell.power.state.${power.state}`);
  return (
    <Item
      name="power"
      tone={tone}
      icon={
        tone === "calm" ? (
          power.state === "mains" ? <IconPlug size="1.0625rem" aria-hidden /> : <IconPlugX size="1.0625rem" aria-hidden />
        ) : (
          <IconBatteryExclamation size="1.125rem" aria-hidden />
        )
      }
      text={power.paused ? t("shell.power.withPause", { state: word }) : word}
      title={word}
      lines={lines}
      help={t(`shell.power.help.${power.state}`)}
      action={power.state === "not_set" && may.changeDevice ? { label: t("shell.power.set"), to: "/admin/settings" } : undefined}
    />
  );
}

function Printer({ printer, may }: { printer: PrinterView; may: May }) {
  const { t } = useTranslation();
  const asks = printer.unknown > 0;
  const state = !printer.address ? "notSet" : asks ? "asks" : printer.problem ? "problem" : printer.waiting > 0 ? "busy" : "ready";
  const lines: [string, string][] = [];
  if (printer.address) lines.push([t("shell.printer.address"), printer.address]);
  if (printer.waiting > 0) lines.push([t("shell.printer.waiting"), String(printer.waiting)]);
  if (printer.problem) lines.push([t("shell.printer.lastProblem"), printProblem(printer.problem)]);
  const action =
    state === "notSet" && may.changeDevice
      ? { label: t("shell.printer.set"), to: "/admin/settings" }
      : may.seeDispensing && (asks || printer.problem || printer.waiting > 0)
        ? { label: t("shell.printer.openSpool"), to: "/dispense", search: { spool: true } }
        : undefined;
  return (
    <Item
      name="printer"
      tone={state === "asks" || state === "problem" ? "amber" : "calm"}
      icon={<IconPrinter size="1.0625rem" aria-hidden />}
      text={t(`shell.printer.state.${state}`, { n: printer.waiting })}
      title={t(`shell.printer.state.${state}`, { n: printer.waiting })}
      lines={lines}
      help={t(`shell.printer.help.${state}`)}
      action={action}
    />
  );
}

function printProblem(code: string): string {
  return errorWords({ code: `printer_${code}` }).title;
}

function Scribe({ scribe, may }: { scribe: ScribeView; may: May }) {
  const { t } = useTranslation();
  const mic = scribe.microphone;
  const text = [mic ? t("shell.scribe.mic", { name: mic, n: scribe.channels }) : t("shell.scribe.noMic")];
  if (!scribe.model) text.push(t("shell.scribe.noModel"));
  else if (scribe.demo_model) text.push(t("common.demoModel"));
  const state = !mic ? "noMic" : !scribe.model ? "noModel" : scribe.demo_model ? "demo" : "ready";
  return (
    <Item
      name="scribe"
      tone="calm"
      icon={mic ? <IconMicrophone size="1.0625rem" aria-hidden /> : <IconMicrophoneOff size="1.0625rem" aria-hidden />}
      text={text.join(" · ")}
      title={t("shell.scribe.title")}
      lines={[
        [t("shell.scribe.microphone"), mic ?? t("shell.scribe.noMic")],
        [t("shell.scribe.model"), scribe.model ?? t("shell.scribe.noModel")],
      ]}
      help={t(`shell.scribe.help.${state}`)}
      action={state === "ready" || !may.changeDevice ? undefined : { label: t("shell.scribe.set"), to: "/admin/settings" }}
    />
  );
}
