import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { SessionView } from "@/api";
import { queries } from "@/api/queries";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { mayOf } from "@/lib/may";
import { useNow } from "@/lib/useNow";
import { Contacts } from "./Contacts";
import { Copy } from "./Copy";
import { Figures } from "./Figures";
import { Lan } from "./Lan";
import { Removed } from "./Removed";
import { Suspended } from "./Suspended";

/** How this device stands with the others: for everybody to see, for owners and administrators to change. */
export function Sync({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.status());
  useNow(30_000);
  const may = mayOf(session);
  return (
    <div className={page.page} data-screen="sync">
      <h1 className={page.title}>{t("sync.title")}</h1>
      <ErrorNote error={error} />
      {data?.removed && <Removed sync={data.sync} may={may} />}
      {data?.is_a_copy && !data.removed && <Copy may={may} />}
      {data?.sync.error === "suspended" && !data.removed && <Suspended sync={data.sync} may={may} />}
      {data && <Figures sync={data.sync} removed={data.removed} may={may} />}
      <Contacts />
      {data && <Lan sync={data.sync} may={may} />}
    </div>
  );
}
