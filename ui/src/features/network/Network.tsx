import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { IconAffiliate, IconHeartHandshake, IconInbox, IconShieldLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { SessionView } from "@/api";
import { queries } from "@/api/queries";
import { AuditTable } from "@/components/AuditTable";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import { GrantCard } from "@/components/GrantCard";
import page from "@/components/Page.module.css";
import { Clinics } from "./Clinics";
import styles from "./Network.module.css";
import { Received } from "./Received";

const TABS = ["given", "received", "clinics", "audit"] as const;
export type NetworkTab = (typeof TABS)[number];
export interface NetworkSearch {
  tab?: NetworkTab;
}

const ICON = { given: IconHeartHandshake, received: IconInbox, clinics: IconAffiliate, audit: IconShieldLock };

/** What we share, what is shared with us, which clinics we know, who saw what. */
export function Network({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as NetworkSearch;
  const tab = TABS.find((name) => name === search.tab) ?? "given";
  const { data, error } = useQuery(queries.network());
  const audits = session.role !== "receptionist";
  const count = { given: data?.given.filter((g) => g.state === "active").length, received: data?.received.length, clinics: data?.clinics.length, audit: undefined };
  return (
    <div className={page.page} data-screen="network">
      <h1 className={page.title}>{t("network.title")}</h1>
      <ErrorNote error={error} />
      <Tabs value={tab} onChange={(v) => void navigate({ to: "/network", search: { tab: v as NetworkTab }, replace: true })} keepMounted={false}>
        <Tabs.List>
          {TABS.filter((name) => name !== "audit" || audits).map((name) => {
            const Icon = ICON[name];
            return (
              <Tabs.Tab key={name} value={name} leftSection={<Icon size={18} aria-hidden />} className={styles.tab}>
                {t(`network.tab.${name}`)}
                {count[name] !== undefined && <span className={styles.count}>{count[name]}</span>}
              </Tabs.Tab>
            );
          })}
        </Tabs.List>
        <Tabs.Panel value="given" className={styles.panel}>
          <p className={page.muted}>{t("network.given.help")}</p>
          <div className={`${page.card} ${styles.list}`}>
            {data?.given.map((grant) => (
              <GrantCard key={grant.id} grant={grant} withPatient />
            ))}
            {data?.given.length === 0 && <EmptyState icon={IconHeartHandshake} title={t("network.given.empty")} help={t("network.given.emptyHelp")} />}
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="received" className={styles.panel}>
          <Received rows={data?.received} canOpen={session.role === "doctor" || session.role === "owner"} />
        </Tabs.Panel>
        <Tabs.Panel value="clinics" className={styles.panel}>
          <Clinics clinics={data?.clinics} canVerify={session.role !== "receptionist"} />
        </Tabs.Panel>
        {audits && (
          <Tabs.Panel value="audit" className={styles.panel}>
            <Audit />
          </Tabs.Panel>
        )}
      </Tabs>
    </div>
  );
}

function Audit() {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.audit(null));
  return (
    <>
      <p className={page.muted}>{t("network.audit.help")}</p>
      <ErrorNote error={error} />
      <div className={page.card}>{data && <AuditTable rows={data} empty={<EmptyState icon={IconShieldLock} title={t("patients.seen.none")} help={t("patients.seen.noneHelp")} />} />}</div>
    </>
  );
}
