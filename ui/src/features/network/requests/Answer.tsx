import { Button, Chip, NativeSelect, Radio, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type AccessMode, type AnswerRequest, api, type Category, type HowAgreed, type RequestView, type Sensitivity } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { CATEGORIES } from "@/components/CategoryList";
import dialog from "@/components/Dialog.module.css";
import { ErrorNote } from "@/components/ErrorNote";
import { MONTHS, SENSITIVE, untilOf } from "@/lib/agreement";
import { currentLanguage } from "@/lib/i18n";
import { dayOf, showDay } from "@/lib/time";
import styles from "../Network.module.css";
import { WhichPatient } from "./WhichPatient";

const MODES: AccessMode[] = ["view", "keep"];

/** What is given: whose record, how she agreed, what of it and for how long. Nothing is switched on before a person does it. */
export function Answer({ request, onBack, onAnswered }: { request: RequestView; onBack: () => void; onAnswered: () => void }) {
  const { t } = useTranslation();
  const urgent = request.purpose === "emergency";
  const [patient, setPatient] = useState("");
  const [how, setHow] = useState<HowAgreed | "">("");
  const [guardian, setGuardian] = useState("");
  const [categories, setCategories] = useState<Category[]>([]);
  const [sensitive, setSensitive] = useState<Sensitivity[]>([]);
  const [months, setMonths] = useState(1);
  const [mode, setMode] = useState<AccessMode>("view");
  const { data: banner } = useQuery({ ...queries.banner(patient), enabled: patient !== "" });
  const answer = useWrite((input: AnswerRequest) => api.answerRequest(input), ["letters", "sharing"]);
  const minor = banner?.age_years != null && banner.age_years < 18;
  const until = urgent ? request.emergency_until : untilOf(dayOf(new Date()), months, banner?.birth_date ?? null);
  const asked = how === "spoken";
  const give = () => {
    if (how === "") return;
    answer.mutate(
      {
        from: request.from,
        id: request.id,
        patient,
        how,
        guardian: asked ? guardian.trim() || null : null,
        language: currentLanguage(),
        terms: { categories, data_from: null, data_to: null, sensitive: asked ? sensitive : [], mode, purpose: request.purpose, until, erase_at: until, onward: false },
      },
      { onSuccess: onAnswered },
    );
  };
  const ready = patient !== "" && how !== "" && categories.length > 0 && (!minor || !asked || guardian.trim() !== "");
  return (
    <div className={dialog.form} data-testid="answer">
      <WhichPatient request={request} chosen={patient} onChoose={setPatient} />
      <Radio.Group label={t("network.requests.how")} value={how} onChange={(v) => setHow(v as HowAgreed)}>
        <div className={dialog.reasons}>
          <Radio value="spoken" label={t("network.requests.agreed.spoken")} />
          {urgent && <Radio value="not_asked" label={t("network.requests.agreed.not_asked")} />}
        </div>
      </Radio.Group>
      {asked && <TextInput label={minor ? t("consent.prepare.guardianMinor") : t("network.requests.guardian")} description={t("consent.prepare.guardianHelp")} value={guardian} onChange={(e) => setGuardian(e.currentTarget.value)} />}
      <fieldset className={styles.choices}>
        <legend>{t("network.requests.what")}</legend>
        <Chip.Group multiple value={categories} onChange={(v) => setCategories(v as Category[])}>
          {CATEGORIES.map((category) => (
            <Chip key={category} value={category} size="lg" radius="md">
              {t(`network.category.${category}`)}
            </Chip>
          ))}
        </Chip.Group>
      </fieldset>
      {asked && (
        <fieldset className={styles.choices}>
          <legend>{t("network.requests.sensitive")}</legend>
          <Chip.Group multiple value={sensitive} onChange={(v) => setSensitive(v as Sensitivity[])}>
            {SENSITIVE.map((one) => (
              <Chip key={one} value={one} size="lg" radius="md">
                {t(`consult.sensitivity.${one}`)}
              </Chip>
            ))}
          </Chip.Group>
        </fieldset>
      )}
      {urgent ? (
        <p className={dialog.text}>{t("network.requests.urgentUntil", { day: showDay(until) })}</p>
      ) : (
        <NativeSelect
          label={t("consent.howLong.title")}
          description={t("consent.howLong.until", { day: showDay(until) })}
          value={String(months)}
          onChange={(e) => setMonths(Number(e.currentTarget.value))}
          data={MONTHS.map((n) => ({ value: String(n), label: t("consent.howLong.months", { count: n }) }))}
        />
      )}
      <Radio.Group label={t("consent.mode.title", { clinic: request.clinic_name })} value={mode} onChange={(v) => setMode(v as AccessMode)}>
        <div className={dialog.reasons}>
          {MODES.map((one) => (
            <Radio key={one} value={one} label={t(`consent.mode.${one}`)} />
          ))}
        </div>
      </Radio.Group>
      <ErrorNote error={answer.error} />
      <div className={dialog.actions}>
        <Button variant="default" onClick={onBack}>
          {t("common.back")}
        </Button>
        <Button disabled={!ready} loading={answer.isPending} onClick={give}>
          {t("network.requests.give")}
        </Button>
      </div>
    </div>
  );
}
