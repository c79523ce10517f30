import { useQuery } from "@tanstack/react-query";
import { IconCheck, IconFileSearch, IconUrgent, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type RequestRow, type RequestView } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { AskedRows } from "@/components/AskedRows";
import { Badge } from "@/components/Badge";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { CameRow } from "../CameRow";
import styles from "../Network.module.css";
import { Opened } from "./Opened";

/** What other clinics ask for, and what we asked them for. */
export function Requests() {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.recordRequests());
  const [opened, setOpened] = useState<RequestView | null>(null);
  const open = useWrite((row: RequestRow) => api.openRequest(row.from, row.id), ["letters"]);
  const show = (row: RequestRow) => open.mutate(row, { onSuccess: setOpened });
  return (
    <div className={styles.stack}>
      <ErrorNote error={error} />
      <section className={`${page.card} ${styles.list}`} aria-labelledby="requests-open">
        <h2 className={page.h2} id="requests-open">
          {t("network.requests.open")}
        </h2>
        <ErrorNote error={open.error} />
        {data?.held_back.map((held) => (
          <p key={held.clinic_name} className={styles.unread}>
            {t("network.requests.heldBack", { count: held.count, clinic: held.clinic_name })}
          </p>
        ))}
        {data && data.n_unreadable > 0 && <p className={styles.unread}>{t("network.requests.unreadable", { count: data.n_unreadable })}</p>}
        {data?.open.map((row) => (
          <Row key={`${row.from}${row.id}`} row={row} busy={open.isPending} onOpen={() => show(row)} />
        ))}
        {data?.open.length === 0 && <EmptyState records icon={IconFileSearch} title={t("network.requests.empty")} help={t("network.requests.emptyHelp")} />}
      </section>
      <section className={`${page.card} ${styles.list}`} aria-labelledby="requests-asked">
        <h2 className={page.h2} id="requests-asked">
          {t("network.requests.asked")}
        </h2>
        {data && <AskedRows rows={data.asked} withPatient />}
        {data?.asked.length === 0 && <p className={page.muted}>{t("network.requests.noneAsked")}</p>}
      </section>
      {data && data.decided.length > 0 && (
        <section className={`${page.card} ${styles.list}`} aria-labelledby="requests-decided">
          <h2 className={page.h2} id="requests-decided">
            {t("network.requests.decided")}
          </h2>
          {data.decided.map((row) => (
            <Row key={`${row.from}${row.id}`} row={row} busy={open.isPending} onOpen={() => show(row)} />
          ))}
        </section>
      )}
      {opened && <Opened request={opened} onClose={() => setOpened(null)} />}
    </div>
  );
}

function Row({ row, busy, onOpen }: { row: RequestRow; busy: boolean; onOpen: () => void }) {
  const { t } = useTranslation();
  const clinic = row.clinic_name || t("network.letters.unknownClinic");
  const urgent = (
    <Badge tone="red" icon={<IconUrgent size="0.875rem" aria-hidden />}>
      {t("network.requests.purpose.emergency")}
    </Badge>
  );
  return (
    <CameRow
      row={row}
      about={[row.author, row.name].filter(Boolean).join(" · ")}
      mark={row.purpose === "emergency" && urgent}
      state={<HowFar row={row} />}
      label={t("network.requests.openOf", { clinic, author: row.author })}
      disabled={busy}
      data={{ "data-request": row.id, "data-decision": row.decision ?? "open" }}
      onOpen={onOpen}
    />
  );
}

function HowFar({ row }: { row: RequestRow }) {
  const { t } = useTranslation();
  if (!row.decision) return <Badge tone={row.name === null ? "accent" : "plain"}>{t(row.name === null ? "network.letters.unread" : "network.letters.read")}</Badge>;
  const [tone, Icon] = row.decision === "answered" ? (["green", IconCheck] as const) : (["plain", IconX] as const);
  return (
    <Badge tone={tone} icon={<Icon size="0.875rem" aria-hidden />}>
      {t(`network.requests.decision.${row.decision}`)}
    </Badge>
  );
}
