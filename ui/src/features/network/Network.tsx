import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { IconAddressBook, IconAffiliate, IconFileSearch, IconHeartHandshake, IconInbox, IconMail, IconShieldLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { GrantView, SessionView } from "@/api";
import { queries } from "@/api/queries";
import { ClinicAudit } from "@/components/ClinicAudit";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import { GrantCard } from "@/components/GrantCard";
import page from "@/components/Page.module.css";
import { TabPage } from "@/components/TabPage";
import { mayOf } from "@/lib/may";
import { Clinics } from "./Clinics";
import { Directory } from "./Directory";
import { Letters } from "./Letters";
import styles from "./Network.module.css";
import { Received } from "./Received";
import { Requests } from "./requests/Requests";

export type NetworkTab = "given" | "received" | "clinics" | "directory" | "requests" | "letters" | "audit";
export interface NetworkSearch {
  tab?: NetworkTab;
  /** The clinic that a letter is to be written to. */
  clinic?: string;
}

/** What we share, what is shared with us, which clinics we know, who saw what. */
export function Network({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as NetworkSearch;
  const { data, error } = useQuery(queries.network());
  const may = mayOf(session);
  const letters = useQuery({ ...queries.letters(), enabled: may.readLetters });
  const n_unread = letters.data?.received.filter((row) => row.is_readable && !row.is_read).length;
  const requests = useQuery({ ...queries.recordRequests(), enabled: may.seeRequests });
  const all = [
    { name: "given", icon: IconHeartHandshake, count: data?.more_given === false ? data.given.filter((g) => g.state === "active").length : undefined, panel: <Given grants={data?.given} more={data?.more_given} /> },
    { name: "received", icon: IconInbox, count: data?.more_received === false ? data.received.length : undefined, panel: <Received rows={data?.received} more={data?.more_received} canOpen={may.openShared} /> },
    { name: "clinics", icon: IconAffiliate, count: data?.clinics.length, panel: <Clinics clinics={data?.clinics} canVerify={may.verifyClinic} /> },
    { name: "directory", icon: IconAddressBook, panel: <Directory canVerify={may.verifyClinic} canWrite={may.writeLetter} /> },
    { name: "requests", icon: IconFileSearch, count: requests.data?.open.length, panel: <Requests /> },
    { name: "letters", icon: IconMail, count: n_unread, panel: <Letters clinics={data?.clinics} to={search.clinic} /> },
    { name: "audit", icon: IconShieldLock, panel: <ClinicAudit /> },
  ] as const;
  const hidden = { audit: !may.seeAudit, letters: !may.readLetters, requests: !may.seeRequests, given: false, received: false, clinics: false, directory: false };
  const tabs = all.filter(({ name }) => !hidden[name]).map((each) => ({ ...each, label: t(`network.tab.${each.name}`) }));
  return (
    <TabPage
      screen="network"
      title={t("network.title")}
      tabs={tabs}
      now={tabs.find(({ name }) => name === search.tab)?.name ?? "given"}
      onChange={(tab) => void navigate({ to: "/network", search: { tab }, replace: true })}
    >
      <ErrorNote error={error} />
    </TabPage>
  );
}

function Given({ grants, more }: { grants: GrantView[] | undefined; more: boolean | undefined }) {
  const { t } = useTranslation();
  return (
    <>
      <p className={page.muted}>{t("network.given.help")}</p>
      <div className={`${page.card} ${styles.list}`}>
        {grants?.map((grant) => (
          <GrantCard key={grant.id} grant={grant} withPatient />
        ))}
        {grants?.length === 0 && <EmptyState records icon={IconHeartHandshake} title={t("network.given.empty")} help={t("network.given.emptyHelp")} />}
      </div>
      {more === true && <p className={page.muted}>{t("network.given.more")}</p>}
    </>
  );
}
