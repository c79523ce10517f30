import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconArchive, IconBook, IconCheck, IconCloudDown, IconCloudUp, IconCopy, IconPuzzle, IconServer } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { SyncHealth } from "@/api";
import { queries } from "@/api/queries";
import { HowFar } from "@/components/HowFar";
import page from "@/components/Page.module.css";
import { lieWords, readOf, readPercent, relayWords } from "@/components/syncWords";
import type { May } from "@/lib/may";
import { showMoment } from "@/lib/time";
import styles from "./Sync.module.css";

/** Saved, sent, in contact, on its way here, put aside, missing, written twice: each with what it means and what there is to do. */
export function Figures({ sync, removed, may }: { sync: SyncHealth; removed: boolean; may: May }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const aside = useQuery({ ...queries.quarantined(), enabled: may.seeDevices });
  const missing = aside.data?.reduce((sum, group) => sum + group.waiting, 0) ?? 0;
  const holes = sync.missing.map(({ device, holes: count }) =>
    t("sync.state.missingSince", { count, device: device ? t("sync.state.missingDevice", { letter: device }) : t("sync.state.missingDeviceUnknown") }),
  );
  const waits = [];
  if (sync.pending > 0) waits.push(t("sync.state.pendingValue", { count: sync.pending }));
  if (sync.sound_pending > 0) waits.push(t("sync.state.soundValue", { count: sync.sound_pending }));
  const problem = sync.error ? relayWords(sync.error) : null;
  const lie = sync.relay_lie ? lieWords(sync.relay_lie) : null;
  const lastContact = sync.last_contact ? t("sync.state.relayLast", { at: showMoment(sync.last_contact) }) : t("sync.state.relayNever");
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="sync-figures">
      <h2 className={page.h2} id="sync-figures">
        {t("sync.state.title")}
      </h2>
      <dl className={styles.figures}>
        <Figure name="saved" icon={<IconCheck size="1.25rem" aria-hidden />} what={t("sync.state.saved")} value={t("sync.state.savedValue")} help={t("sync.state.savedHelp")} />
        <Figure
          name="pending"
          icon={<IconCloudUp size="1.25rem" aria-hidden />}
          what={t("sync.state.pending")}
          value={waits.length > 0 ? waits.join(", ") : t("sync.state.pendingNone")}
          help={removed && sync.pending > 0 ? t("sync.state.pendingRemoved") : t("sync.state.pendingHelp")}
        >
          {sync.sound_pending > 0 && <p className={page.muted}>{t(removed ? "sync.state.soundRemoved" : "sync.state.soundHelp")}</p>}
        </Figure>
        <Figure
          name="relay"
          tone={lie ? "amber" : undefined}
          icon={<IconServer size="1.25rem" aria-hidden />}
          what={t("sync.state.relay")}
          value={!sync.has_relay ? t("sync.state.relayAlone") : sync.connected ? t("sync.state.relayConnected") : lastContact}
          help={`${t("sync.state.relayHelp")} ${!sync.has_relay ? t("sync.state.relayAloneHelp") : sync.connected ? "" : t("sync.state.relayOffline")}`.trim()}
        >
          {lie && (
            <p className={styles.problem} role="alert" data-relay-lie={sync.relay_lie}>
              <strong>{`${lie.title}.`}</strong> {lie.help} <code>{sync.relay_lie}</code>
            </p>
          )}
          {problem && (
            <p className={styles.problem} data-relay-error={sync.error}>
              <strong>{`${problem.title}.`}</strong> {problem.help} <code>{sync.error}</code>
            </p>
          )}
        </Figure>
        {sync.arriving !== null && (
          <Figure name="arriving" tone="amber" icon={<IconCloudDown size="1.25rem" aria-hidden />} what={t("sync.state.arriving")} value={t("sync.state.arrivingValue")} help={t("sync.state.arrivingHelp")}>
            <div className={styles.progress}>
              <HowFar what={t("sync.state.arrivingWhat")} now={{ stage: sync.connected ? t("sync.state.arrivingNow") : t("sync.state.arrivingWaits"), percent: sync.arriving }} />
            </div>
          </Figure>
        )}
        {sync.arriving === null && sync.to_be_read > 0 && (
          <Figure name="reading" icon={<IconBook size="1.25rem" aria-hidden />} what={t("sync.state.reading")} value={t("sync.state.readingStage", readOf(sync))} help={t("sync.state.readingHelp")}>
            <div className={styles.progress}>
              <HowFar what={t("sync.state.readingWhat")} now={{ stage: t("sync.state.readingStage", readOf(sync)), percent: readPercent(sync) }} />
            </div>
          </Figure>
        )}
        <Figure
          name="aside"
          tone={sync.quarantined > 0 ? "amber" : undefined}
          icon={<IconArchive size="1.25rem" aria-hidden />}
          what={t("sync.state.aside")}
          value={sync.quarantined > 0 ? t("sync.state.asideValue", { count: sync.quarantined }) : t("sync.state.asideNone")}
          help={sync.quarantined === 0 ? t("sync.state.asideNoneHelp") : may.changeDevices ? t("sync.state.asideHelp") : t("sync.state.asideAsk")}
        >
          {sync.quarantined > 0 && may.changeDevices && (
            <Button variant="default" className={styles.do} onClick={() => void navigate({ to: "/admin/$tab", params: { tab: "devices" } })}>
              {t("sync.state.asideOpen")}
            </Button>
          )}
        </Figure>
        {sync.claimed_twice > 0 && (
          <Figure
            name="twice"
            tone="amber"
            icon={<IconCopy size="1.25rem" aria-hidden />}
            what={t("sync.state.twice")}
            value={t("sync.state.twiceValue", { count: sync.claimed_twice })}
            help={t("sync.state.twiceHelp")}
          />
        )}
        <Figure
          name="missing"
          tone={holes.length > 0 ? "amber" : undefined}
          icon={<IconPuzzle size="1.25rem" aria-hidden />}
          what={t("sync.state.missing")}
          value={missing > 0 ? t("sync.state.missingValue", { count: missing }) : holes.length > 0 ? holes.join(", ") : t(sync.arriving === null ? "sync.state.missingNone" : "sync.state.missingLater")}
          help={holes.length > 0 ? `${t("sync.state.missingHoles", { devices: holes.join(", ") })} ${t("sync.state.missingHolesHelp")}` : missing > 0 ? t("sync.state.missingHelp") : t(sync.arriving === null ? "sync.state.missingNoneHelp" : "sync.state.missingLaterHelp")}
        >
          {holes.length > 0 && missing > 0 && <p className={page.muted}>{t("sync.state.missingHelp")}</p>}
        </Figure>
        <Figure
          name="conflicts"
          tone={sync.conflicts > 0 ? "amber" : undefined}
          icon={<IconCopy size="1.25rem" aria-hidden />}
          what={t("sync.state.conflicts")}
          value={sync.conflicts > 0 ? t("sync.state.conflictsValue", { count: sync.conflicts }) : t("sync.state.conflictsNone")}
          help={sync.conflicts > 0 ? t("sync.state.conflictsHelp") : t("sync.state.conflictsNoneHelp")}
        >
          {sync.conflicts > 0 && (
            <Button variant="default" className={styles.do} onClick={() => void navigate({ to: "/conflicts", search: {} })}>
              {t("sync.state.conflictsOpen")}
            </Button>
          )}
        </Figure>
      </dl>
    </section>
  );
}

interface FigureProps {
  name: string;
  icon: ReactNode;
  what: string;
  value: string;
  help: string;
  tone?: "amber";
  children?: ReactNode;
}

function Figure({ name, icon, what, value, help, tone, children }: FigureProps) {
  return (
    <div className={styles.figure} data-figure={name} data-tone={tone}>
      <dt>
        {icon}
        {what}
      </dt>
      <dd>
        <p className={styles.value}>{value}</p>
        <p className={page.muted}>{help}</p>
        {children}
      </dd>
    </div>
  );
}
