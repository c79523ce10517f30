import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { IconCheck, IconClockHour4, IconMailOff, IconUrgent } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { api, type AskedRow } from "@/api";
import { useWrite } from "@/api/useWrite";
import { showMoment } from "@/lib/time";
import styles from "./AskedRows.module.css";
import { Badge } from "./Badge";
import { ErrorNote } from "./ErrorNote";
import page from "./Page.module.css";

const STATE = {
  waiting: { tone: "plain", icon: IconClockHour4 },
  answered: { tone: "green", icon: IconCheck },
  no_answer: { tone: "amber", icon: IconMailOff },
  not_sent: { tone: "red", icon: IconMailOff },
} as const;

/** What was asked of other clinics. Until an answer is here the words are the same, whatever happens there. */
export function AskedRows({ rows, withPatient = false }: { rows: AskedRow[]; withPatient?: boolean }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const open = useWrite((request: string) => api.openAnswer(request), ["letters"]);
  const show = (grant: string) => void navigate({ to: "/network/received/$grant", params: { grant } });
  return (
    <>
      <ErrorNote error={open.error} />
      {rows.map((row) => {
        const { tone, icon: Icon } = STATE[row.state];
        return (
          <article key={row.id} className={styles.row} data-asked={row.id} data-state={row.state}>
            <div className={styles.words}>
              <p className={styles.clinic}>
                <strong>{withPatient ? t("network.requests.ofFrom", { patient: row.patient_name, clinic: row.clinic_name }) : row.clinic_name}</strong>
                <Badge tone={tone} icon={<Icon size="0.875rem" aria-hidden />}>
                  {t(`network.requests.state.${row.state}`)}
                </Badge>
                {row.purpose === "emergency" && (
                  <Badge tone="red" icon={<IconUrgent size="0.875rem" aria-hidden />}>
                    {t("network.requests.purpose.emergency")}
                  </Badge>
                )}
              </p>
              <p className={page.muted}>{[row.reason, row.author, showMoment(row.asked_at)].join(" · ")}</p>
              {row.state === "waiting" && <p className={page.muted}>{t(`network.requests.far.${row.far}`)}</p>}
              {row.state === "no_answer" && <p className={page.muted}>{t("network.requests.noAnswerHelp", { clinic: row.clinic_name })}</p>}
              {row.state === "not_sent" && <p className={page.muted}>{t("network.requests.notSentHelp")}</p>}
            </div>
            {row.state === "answered" && (
              <Button
                variant={row.is_read ? "default" : "light"}
                loading={open.isPending && open.variables === row.id}
                onClick={() => open.mutate(row.id, { onSuccess: show })}
                aria-label={t("network.requests.openAnswerOf", { patient: row.patient_name, clinic: row.clinic_name })}
              >
                {t("network.requests.openAnswer")}
              </Button>
            )}
          </article>
        );
      })}
    </>
  );
}
