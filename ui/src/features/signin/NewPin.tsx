import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type StaffFace } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { Initials } from "@/components/Initials";
import { PIN_LENGTH, PinPad } from "@/components/PinPad";
import styles from "./SignIn.module.css";

/** A person who is new on this device chooses her PIN, twice. */
export function NewPin({ face }: { face: StaffFace }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [first, setFirst] = useState<string | null>(null);
  const [pin, setPin] = useState("");
  const [differed, setDiffered] = useState(0);
  const save = useWrite((digits: string) => api.setPin(face.id, digits));

  const onChange = (digits: string) => {
    setPin(digits);
    if (digits.length < PIN_LENGTH) return;
    setPin("");
    if (first === null) {
      setFirst(digits);
    } else if (first === digits) {
      save.mutate(digits, {
        onSuccess: (session) => client.setQueryData(queries.session().queryKey, session),
        onError: () => setFirst(null),
      });
    } else {
      setFirst(null);
      setDiffered((n) => n + 1);
    }
  };

  return (
    <div className={styles.enter}>
      <Initials name={face.name} size={64} />
      <h2 className={styles.greeting}>{face.name}</h2>
      <p className={styles.message} role="status" data-wrong={differed > 0 && first === null}>
        {first !== null ? t("signin.newPin.again") : differed > 0 ? t("signin.newPin.differed") : t("signin.newPin.choose")}
      </p>
      <PinPad label={t("signin.newPin.label")} value={pin} onChange={onChange} disabled={save.isPending} refusals={differed} />
      <ErrorNote error={save.error} />
    </div>
  );
}
