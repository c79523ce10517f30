import { Button, Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconAlertTriangle, IconCloudOff, IconDevices, IconShieldLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { LimitView, PlanView, UsageView } from "@/api";
import { queries } from "@/api/queries";
import { Badge } from "@/components/Badge";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { ago, showMoment } from "@/lib/time";
import { useNow } from "@/lib/useNow";
import styles from "./Plan.module.css";

const TONES = { fine: undefined, near: "amber", full: "red" } as const;
const COLOURS = { fine: "teal", near: "yellow", full: "red" } as const;

/** What the operator of the network allows this clinic, and how much of it is used. */
export function Plan() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { data, error } = useQuery(queries.plan());
  useNow(60_000);
  const to = (tab: string) => void navigate({ to: "/admin/$tab", params: { tab } });
  return (
    <div className={styles.plan} data-screen-part="plan">
      <p className={page.muted}>{t("admin.plan.help")}</p>
      <ErrorNote error={error} />
      {data && <Warnings plan={data} />}
      {data && !data.relay && <EmptyState icon={IconCloudOff} title={t("admin.plan.alone")} help={t("admin.plan.aloneHelp")} />}
      {data?.relay && !data.usage && <EmptyState icon={IconCloudOff} title={t("admin.plan.unknown")} help={t("admin.plan.unknownHelp")} />}
      {data?.relay && data.usage && <Usage relay={data.relay} usage={data.usage} />}
      {data && (
        <div className={page.row}>
          <Button variant="default" leftSection={<IconDevices size="1.125rem" aria-hidden />} onClick={() => to("devices")}>
            {t("admin.plan.devices", { count: data.devices })}
          </Button>
          <Button variant="default" leftSection={<IconShieldLock size="1.125rem" aria-hidden />} onClick={() => to("audit")}>
            {t("admin.plan.audit")}
          </Button>
        </div>
      )}
    </div>
  );
}

/** What is refused now, and what is near: each with what it means. */
function Warnings({ plan }: { plan: PlanView }) {
  const { t } = useTranslation();
  const { usage } = plan;
  const said: string[] = [];
  if (plan.suspended) said.push(`${t("sync.suspended.title")}. ${t("sync.suspended.here")} ${t("sync.suspended.call")}`);
  if (plan.without_a_place) said.push(t("admin.plan.withoutPlace"));
  if (usage?.trial_over && usage.trial_until) said.push(t("admin.plan.trialOver", { at: showMoment(usage.trial_until) }));
  if (usage?.refuses_devices) said.push(t("admin.plan.refusesDevices"));
  if (usage?.refuses_attachments) said.push(t("admin.plan.refusesSound"));
  if (said.length === 0) return null;
  return (
    <div role="status">
      <ul className={styles.warnings}>
        {said.map((words) => (
          <li className={styles.warning} key={words}>
            <IconAlertTriangle size="1.25rem" aria-hidden /> <span>{words}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Usage({ relay, usage }: { relay: string; usage: UsageView }) {
  const { t } = useTranslation();
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="plan-name">
      <div className={page.row}>
        <h2 className={page.h2} id="plan-name">
          {usage.plan ?? t("admin.plan.none")}
        </h2>
        {usage.trial_until && !usage.trial_over && <Badge tone="amber">{t("admin.plan.trial", { at: showMoment(usage.trial_until) })}</Badge>}
        <span className={`${page.push} ${page.muted} ${page.small}`}>{t("admin.plan.asOf", { relay, at: showMoment(usage.as_of), ago: ago(usage.as_of) })}</span>
      </div>
      <dl className={styles.limits}>
        {usage.limits.map((limit) => (
          <Limit key={limit.of} limit={limit} />
        ))}
      </dl>
      <p className={`${page.muted} ${page.small}`}>{t("admin.plan.never")}</p>
    </section>
  );
}

function Limit({ limit: { of, used, limit, level } }: { limit: LimitView }) {
  const { t } = useTranslation();
  const name = t(`admin.plan.of.${of}`);
  const words = (n: number) => (of === "bytes" ? bytes(n) : n.toLocaleString("en-MY"));
  const known = used === null ? t("admin.plan.usedUnknown") : words(used);
  const value = limit === null ? t("admin.plan.noLimit", { used: known }) : t("admin.plan.ofLimit", { used: known, limit: words(limit) });
  const percent = used === null || !limit ? null : Math.min(100, Math.round((100 * used) / limit));
  return (
    <div className={styles.limit} data-limit={of} data-level={level}>
      <dt>{name}</dt>
      <dd>
        <span className={styles.value}>{value}</span>
        {level !== "fine" && <Badge tone={TONES[level]}>{t(`admin.plan.level.${level}`)}</Badge>}
        {percent !== null && <Progress className={styles.bar} value={percent} color={COLOURS[level]} size="lg" aria-label={`${name}: ${value}`} />}
      </dd>
    </div>
  );
}

/** `1.4 GB`: as operators count, in thousands. */
function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  const shown = n / 1000 ** step;
  return `${shown.toLocaleString("en-MY", { maximumFractionDigits: shown < 10 && step > 0 ? 1 : 0 })} ${units[step]}`;
}
