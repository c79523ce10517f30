import { Button, Modal } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type RequestView } from "@/api";
import { useWrite } from "@/api/useWrite";
import dialog from "@/components/Dialog.module.css";
import { ErrorNote } from "@/components/ErrorNote";
import { notify } from "@/components/notify";
import page from "@/components/Page.module.css";
import { useFocusOn, useReturnFocus } from "@/lib/focus";
import { showDay, showMoment } from "@/lib/time";
import styles from "../Network.module.css";
import { Answer } from "./Answer";

/** One request: who asks for whom and why, on whose word, and what a person makes of it. */
export function Opened({ request, onClose }: { request: RequestView; onClose: () => void }) {
  const { t } = useTranslation();
  useReturnFocus();
  const [step, setStep] = useState<"read" | "answer" | "answered">("read");
  const body = useFocusOn<HTMLDivElement>(step);
  const { clinic_name: clinic, decided } = request;
  return (
    <Modal opened onClose={onClose} title={t("network.requests.from", { clinic })} closeButtonProps={{ "aria-label": t("common.close") }} size={640}>
      {step === "answered" ? (
        <div className={dialog.form} ref={body} tabIndex={-1}>
          <p className={styles.good} role="status">
            {t("network.requests.answered", { clinic })}
          </p>
          <p className={dialog.warning}>
            <IconAlertTriangle size="1.25rem" aria-hidden />
            <span>{t("network.requests.tellHer", { name: request.name, clinic })}</span>
          </p>
          <div className={dialog.actions}>
            <Button onClick={onClose}>{t("common.close")}</Button>
          </div>
        </div>
      ) : (
        <div className={dialog.form} ref={body} tabIndex={-1}>
          <p className={dialog.warning}>
            <IconAlertTriangle size="1.25rem" aria-hidden />
            <span>{t("network.requests.onlyWord", { clinic })}</span>
          </p>
          {!request.verified && <p className={styles.unread}>{t("network.requests.notVerified", { digits: request.digits })}</p>}
          {request.doubt && <p className={styles.unread}>{t("network.requests.doubt")}</p>}
          <dl className={dialog.facts} data-testid="request">
            <dt>{t("network.requests.who")}</dt>
            <dd>{[request.name, request.document || t("network.requests.noDocument"), request.birth_date && t("patients.born", { day: showDay(request.birth_date) })].filter(Boolean).join(" · ")}</dd>
            <dt>{t("network.requests.why")}</dt>
            <dd>{[t(`network.requests.purpose.${request.purpose}`), request.reason].join(": ")}</dd>
            <dt>{t("network.requests.by")}</dt>
            <dd>{t("network.letters.by", { author: request.author, at: showMoment(request.written_at) })}</dd>
          </dl>
          {decided ? (
            <p className={page.muted}>{t(`network.requests.decidedBy.${decided.decision}`, { name: decided.by, at: showMoment(decided.at) })}</p>
          ) : step === "answer" ? (
            <Answer request={request} onBack={() => setStep("read")} onAnswered={() => setStep("answered")} />
          ) : (
            <Decide request={request} onAnswer={() => setStep("answer")} onClose={onClose} />
          )}
          <p className={page.muted}>{t("network.requests.inRecord", { name: request.read_by, at: showMoment(request.read_at) })}</p>
        </div>
      )}
    </Modal>
  );
}

function Decide({ request, onAnswer, onClose }: { request: RequestView; onAnswer: () => void; onClose: () => void }) {
  const { t } = useTranslation();
  const decline = useWrite(() => api.declineRequest(request.from, request.id), ["letters"]);
  const onSuccess = () => {
    notify(t("network.requests.declined"));
    onClose();
  };
  return (
    <>
      <p className={dialog.text}>{t("network.requests.declineHelp", { clinic: request.clinic_name })}</p>
      <ErrorNote error={decline.error} />
      <div className={dialog.actions}>
        <Button variant="default" loading={decline.isPending} onClick={() => decline.mutate(undefined, { onSuccess })}>
          {t("network.requests.decline")}
        </Button>
        <Button data-answer disabled={!request.verified} onClick={onAnswer}>
          {t("network.requests.answer")}
        </Button>
      </div>
    </>
  );
}
