import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { PatientId, VisitId } from "@/api";
import { queries } from "@/api/queries";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { mayOf } from "@/lib/may";
import { OneRecording } from "./OneRecording";
import styles from "./Recordings.module.css";

interface Props {
  patient: PatientId;
  /** Only those of this visit. */
  visit?: VisitId;
  /** Only those whose sound is not here. */
  away?: boolean;
}

/** The recordings of a patient, or of one visit: to be heard, brought here, or erased. Nothing stands here while there is none. */
export function Recordings({ patient, visit, away = false }: Props) {
  const { t } = useTranslation();
  const { data: session } = useQuery(queries.session());
  const may = session && mayOf(session);
  const { data, error } = useQuery({ ...queries.recordingsOf(patient), enabled: may?.seeRecordings ?? false });
  const shown = data?.filter((one) => (!visit || one.visit === visit) && (!away || one.place.at !== "here")) ?? [];
  if (!may || (shown.length === 0 && !error)) return null;
  return (
    <section className={visit ? styles.within : `${page.card} ${styles.box}`} aria-labelledby="recordings" data-testid="recordings">
      <h2 className={page.h2} id="recordings">
        {t("sound.title")}
      </h2>
      <ErrorNote error={error} />
      <ul className={styles.list}>
        {shown.map((one) => (
          <OneRecording key={one.recording} one={one} patient={patient} may={may} />
        ))}
      </ul>
    </section>
  );
}
