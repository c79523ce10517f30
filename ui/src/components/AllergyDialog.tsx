import { Button, Modal, SegmentedControl, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Severity } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { useReturnFocus } from "@/lib/focus";
import styles from "./Dialog.module.css";
import { ErrorNote } from "./ErrorNote";
import { Matter } from "./matters/Matter";
import { isAllergy } from "./matters/words";

const SEVERITIES: Severity[] = ["unknown", "mild", "moderate", "severe", "anaphylaxis"];

interface Props {
  patient: string;
  /** Said aloud in the recording: offered, never recorded by itself. */
  said?: { substance: string; reaction: string };
  /** Something about her allergies was written apart. */
  undecided?: boolean;
  onClose: () => void;
}

export function AllergyDialog({ patient, said, undecided = false, onClose }: Props) {
  const { t } = useTranslation();
  useReturnFocus();
  const [severity, setSeverity] = useState<Severity>("unknown");
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { substance: said?.substance ?? "", reaction: said?.reaction ?? "" },
    validate: { substance: (v) => (v.trim() ? null : t("patients.allergy.substanceMissing")) },
  });
  const record = useWrite(api.recordAllergy, [`patient:${patient}`]);
  const submit = form.onSubmit(({ substance, reaction }) =>
    record.mutate({ patient, substance: substance.trim(), reaction: reaction.trim(), severity }, { onSuccess: onClose }),
  );
  return (
    <Modal opened onClose={onClose} title={t("patients.allergy.record")} closeButtonProps={{ "aria-label": t("common.close") }} size={560}>
      {undecided && <Undecided patient={patient} />}
      <form onSubmit={submit} className={styles.form}>
        <TextInput label={t("patients.allergy.substance")} data-autofocus key={form.key("substance")} {...form.getInputProps("substance")} />
        <TextInput label={t("patients.allergy.reaction")} key={form.key("reaction")} {...form.getInputProps("reaction")} />
        <div>
          <p className={styles.label} id="allergy-severity">
            {t("patients.allergy.howBad")}
          </p>
          <SegmentedControl
            fullWidth
            size="sm"
            aria-labelledby="allergy-severity"
            value={severity}
            onChange={(v) => setSeverity(v as Severity)}
            data={SEVERITIES.map((value) => ({ value, label: t(`patients.allergy.severity.${value}`) }))}
          />
        </div>
        <ErrorNote error={record.error} />
        <div className={styles.actions}>
          <Button variant="default" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" loading={record.isPending}>
            {t("patients.allergy.save")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

/** Both values of what was written apart about her allergies: here too, so that nobody writes a third without having seen them. */
function Undecided({ patient }: { patient: string }) {
  const { data } = useQuery(queries.conflicts(patient));
  return data?.matters.filter(isAllergy).map((matter) => <Matter key={matter.key} matter={matter} />);
}
