import { Button, Modal, NativeSelect, Radio, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconAlertTriangle, IconFileSearch, IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type AskForRecord, type Purpose } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { AskedRows } from "@/components/AskedRows";
import dialog from "@/components/Dialog.module.css";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import { notify } from "@/components/notify";
import page from "@/components/Page.module.css";
import { useReturnFocus } from "@/lib/focus";
import styles from "./Patients.module.css";

const PURPOSES: Purpose[] = ["treatment", "emergency"];
const MOST_SIGNS = 500;

/** What other clinics were asked about this patient, and the way to ask one. */
export function AskElsewhere({ patient, name }: { patient: string; name: string }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.recordRequests());
  const [asking, setAsking] = useState(false);
  const hers = data?.asked.filter((row) => row.patient === patient);
  const button = (
    <Button variant="light" className={hers?.length ? page.push : undefined} onClick={() => setAsking(true)}>
      {t("patients.elsewhere.ask")}
    </Button>
  );
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="elsewhere">
      <div className={page.row}>
        <h2 className={page.h2} id="elsewhere">
          {t("patients.elsewhere.title")}
        </h2>
        {hers && hers.length > 0 && button}
      </div>
      <ErrorNote error={error} />
      {hers && hers.length > 0 && <AskedRows rows={hers} />}
      {hers?.length === 0 && (
        <EmptyState records icon={IconFileSearch} title={t("patients.elsewhere.none")} help={t("patients.elsewhere.noneHelp")}>
          {button}
        </EmptyState>
      )}
      {asking && <Ask patient={patient} name={name} onClose={() => setAsking(false)} />}
    </section>
  );
}

function Ask({ patient, name, onClose }: { patient: string; name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  useReturnFocus();
  const { data, error } = useQuery(queries.network());
  const [clinic, setClinic] = useState("");
  const [purpose, setPurpose] = useState<Purpose>("treatment");
  const [reason, setReason] = useState("");
  const ask = useWrite((input: AskForRecord) => api.askForRecord(input), ["letters", `patient:${patient}`]);
  const verified = data?.clinics.filter((one) => one.verified) ?? [];
  const onSuccess = () => {
    notify(t("patients.elsewhere.done"));
    onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t("patients.elsewhere.dialog", { name })} closeButtonProps={{ "aria-label": t("common.close") }} size={560}>
      <ErrorNote error={error} />
      {data && verified.length === 0 ? (
        <EmptyState icon={IconFileSearch} title={t("consent.prepare.noClinic")} help={t("patients.elsewhere.noClinicHelp")}>
          <Button variant="light" onClick={() => void navigate({ to: "/network", search: { tab: "clinics" } })}>
            {t("consent.prepare.toNetwork")}
          </Button>
        </EmptyState>
      ) : (
        data && (
          <form
            className={dialog.form}
            onSubmit={(e) => {
              e.preventDefault();
              ask.mutate({ patient, clinic, purpose, reason }, { onSuccess });
            }}
          >
            <p className={dialog.warning}>
              <IconAlertTriangle size="1.25rem" aria-hidden />
              <span>{t("patients.elsewhere.leaves", { name })}</span>
            </p>
            <NativeSelect
              label={t("patients.elsewhere.clinic")}
              data-autofocus
              value={clinic}
              onChange={(e) => setClinic(e.currentTarget.value)}
              data={[{ value: "", label: t("network.letters.choose") }, ...verified.map((one) => ({ value: one.tenant, label: one.name }))]}
            />
            <Radio.Group label={t("patients.elsewhere.purpose")} value={purpose} onChange={(v) => setPurpose(v as Purpose)}>
              <div className={dialog.reasons}>
                {PURPOSES.map((value) => (
                  <Radio key={value} value={value} label={t(`network.requests.purpose.${value}`)} />
                ))}
              </div>
            </Radio.Group>
            <TextInput label={t("patients.elsewhere.reason")} description={t("patients.elsewhere.reasonHelp")} maxLength={MOST_SIGNS} value={reason} onChange={(e) => setReason(e.currentTarget.value)} autoComplete="off" />
            <p className={dialog.text}>{t("patients.elsewhere.same")}</p>
            <ErrorNote error={ask.error} />
            <div className={dialog.actions}>
              <Button variant="default" onClick={onClose}>
                {t("common.cancel")}
              </Button>
              <Button type="submit" leftSection={<IconSend size="1.125rem" aria-hidden />} disabled={!clinic || !reason.trim()} loading={ask.isPending}>
                {t("patients.elsewhere.send")}
              </Button>
            </div>
          </form>
        )
      )}
    </Modal>
  );
}
