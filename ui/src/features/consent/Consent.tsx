import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type GrantConsent, type GrantView, type SessionView } from "@/api";
import { queries } from "@/api/queries";
import { useLock } from "@/api/useLock";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { FailedPage } from "@/components/FailedPage";
import { LanguageSwitch } from "@/components/LanguageSwitch";
import { untilOf } from "@/lib/agreement";
import { useFocusOn } from "@/lib/focus";
import { currentLanguage } from "@/lib/i18n";
import { dayOf } from "@/lib/time";
import { Agreed } from "./Agreed";
import { AskPage } from "./AskPage";
import { CardsPage } from "./CardsPage";
import styles from "./Consent.module.css";
import { HowLongPage } from "./HowLongPage";
import { Prepare } from "./Prepare";
import { SignPage } from "./SignPage";
import { ANSWERS, type Answers } from "./terms";

/** Version of the form's words: part of the evidence. Change it with the words. */
export const FORM_VERSION = "medieco-consent-1";

const PAGES = ["ask", "cards", "howLong", "sign"] as const;

/** The patient's own screens: no clinic chrome, large, one question a page, in the language she chooses. */
export function Consent({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const { patient } = useParams({ strict: false }) as { patient: string };
  const router = useRouter();
  const lock = useLock();
  const { data: banner, error } = useQuery(queries.banner(patient));
  const [answers, setAnswers] = useState<Answers>(ANSWERS);
  const [page, setPage] = useState<number | null>(null);
  const [agreed, setAgreed] = useState<GrantView | null>(null);
  const main = useFocusOn<HTMLElement>(agreed ? "agreed" : page);
  const grant = useWrite((input: GrantConsent) => api.grantConsent(input), ["sharing", `patient:${patient}`]);
  const set = (change: Partial<Answers>) => setAnswers((old) => ({ ...old, ...change }));
  const toPatients = () => router.history.push("/patients");
  /** The tablet was in the patient's hands: whoever takes it back signs in again. */
  const handBack = () => void lock(`/patients/${patient}`);

  if (error)
    return (
      <main>
        <FailedPage title={t("patients.sharing.title")} error={error}>
          <Button variant="default" onClick={toPatients}>
            {t("common.back")}
          </Button>
        </FailedPage>
      </main>
    );
  if (!banner) return null;
  if (page === null) {
    return (
      <Prepare
        banner={banner}
        session={session}
        answers={answers}
        set={set}
        onStart={() => setPage(0)}
        onCancel={() => router.history.push(`/patients/${patient}`)}
      />
    );
  }

  const today = dayOf(new Date());
  const until = untilOf(today, answers.months, banner.birth_date);
  const agree = () =>
    grant.mutate(
      {
        patient,
        clinic: answers.clinic,
        terms: {
          categories: answers.categories,
          data_from: null,
          data_to: null,
          sensitive: answers.sensitive,
          mode: answers.mode,
          purpose: "treatment",
          until,
          erase_at: until,
          onward: false,
        },
        evidence: {
          form_version: FORM_VERSION,
          language: currentLanguage(),
          how: "signed",
          signature_svg: answers.signature,
          witness: answers.witness.trim(),
          guardian: answers.guardian.trim() || null,
          signed_at: new Date().toISOString(),
        },
      },
      { onSuccess: setAgreed },
    );

  const shown = PAGES[page];
  const ready = shown === "cards" ? answers.categories.length > 0 : shown === "sign" ? answers.signature !== "" : true;
  return (
    <div className={styles.full} data-screen="consent" data-page={agreed ? "agreed" : shown}>
      <header className={`${styles.top} no-print`}>
        <LanguageSwitch big onChange={() => undefined} />
        {!agreed && <p className={styles.step}>{t("consent.step", { n: page + 1, of: PAGES.length })}</p>}
      </header>
      <main className={styles.main} ref={main} tabIndex={-1} key={agreed ? "agreed" : shown}>
        {agreed ? (
          <Agreed grant={agreed} from={session.clinic_name} />
        ) : shown === "ask" ? (
          <AskPage name={banner.name} clinic={answers.clinicName} own={session.clinic_name} />
        ) : shown === "cards" ? (
          <CardsPage clinic={answers.clinicName} answers={answers} set={set} />
        ) : shown === "howLong" ? (
          <HowLongPage clinic={answers.clinicName} answers={answers} set={set} untilAfter={(months) => untilOf(today, months, banner.birth_date)} />
        ) : (
          <SignPage name={banner.name} answers={answers} set={set} until={until} own={session.clinic_name} />
        )}
        <ErrorNote error={grant.error} />
      </main>
      <footer className={`${styles.foot} no-print`}>
        {agreed ? (
          <>
            <Button className={styles.big} variant="default" onClick={() => window.print()}>
              {t("consent.print")}
            </Button>
            <Button className={styles.big} onClick={handBack}>
              {t("consent.handBack")}
            </Button>
          </>
        ) : (
          <>
            <Button className={styles.big} variant="subtle" color="gray" onClick={handBack}>
              {t("consent.no")}
            </Button>
            <span className={styles.push} />
            {page > 0 && (
              <Button className={styles.big} variant="default" onClick={() => setPage(page - 1)}>
                {t("common.back")}
              </Button>
            )}
            {shown === "sign" ? (
              <Button className={styles.big} disabled={!ready} loading={grant.isPending} onClick={agree}>
                {t("consent.agree")}
              </Button>
            ) : (
              <Button className={styles.big} disabled={!ready} onClick={() => setPage(page + 1)}>
                {t("common.next")}
              </Button>
            )}
          </>
        )}
      </footer>
    </div>
  );
}
