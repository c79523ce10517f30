import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { IconArrowLeft } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type AppState, type StaffFace } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Brand } from "@/components/Brand";
import { ClinicSwitch } from "@/components/ClinicSwitch";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import { Initials } from "@/components/Initials";
import { LanguageSwitch } from "@/components/LanguageSwitch";
import { PIN_LENGTH, PinPad } from "@/components/PinPad";
import { dayOf, showDay, showTime, weekday } from "@/lib/time";
import { useNow } from "@/lib/useNow";
import { NewPin } from "./NewPin";
import styles from "./SignIn.module.css";

/** The clinic's name, the faces of its people, a PIN pad. */
export function SignIn({ app }: { app: AppState }) {
  const { t } = useTranslation();
  const { data: faces, error } = useQuery(queries.staffFaces());
  const [chosen, setChosen] = useState<string | null>(null);
  const face = faces?.find((f) => f.id === chosen) ?? (faces?.length === 1 ? faces[0] : undefined);
  const clinic = app.clinics.find((c) => c.tenant === app.open);
  const now = useNow(20_000);
  const today = dayOf(new Date(now));

  return (
    <div className={styles.page}>
      <header className={styles.top}>
        <Brand />
        <LanguageSwitch />
      </header>
      <main className={styles.main} data-screen="sign-in">
        <section className={styles.left}>
          <div>
            <h1 className={styles.clinic}>{clinic?.name}</h1>
            <p className={styles.when}>
              {`${weekday(today)}, ${showDay(today)}`}
              <span className={styles.clock}>{showTime(new Date(now))}</span>
            </p>
            <div className={styles.switch}>
              <ClinicSwitch plain />
            </div>
          </div>
          <h2 className={styles.who}>{t("signin.who")}</h2>
          <ErrorNote error={error} />
          {faces?.length === 0 && <EmptyState title={t("signin.nobody.title")} help={t("signin.nobody.help")} />}
          <div className={styles.faces}>
            {faces?.map((f) => (
              <button
                key={f.id}
                type="button"
                className={styles.face}
                aria-pressed={face?.id === f.id}
                aria-label={`${f.name}, ${t(`common.role.${f.role}`)}`}
                onClick={() => setChosen(f.id)}
              >
                <Initials name={f.name} size={48} />
                <span className={styles.name}>{f.name}</span>
                <span className={styles.role}>{t(`common.role.${f.role}`)}</span>
              </button>
            ))}
          </div>
          {app.crash_report && (
            <p className={styles.crash} role="status">
              {t("signin.crash")} <code>{app.crash_report}</code>
            </p>
          )}
          {app.demo && <p className={styles.demo}>{t("signin.demo.note")}</p>}
        </section>
        <section className={styles.right} aria-live="polite">
          {face ? (
            face.has_pin_here ? (
              <EnterPin key={face.id} face={face} demoPin={demoPinOf(app, face)} onBack={() => setChosen(null)} />
            ) : (
              <NewPin key={face.id} face={face} />
            )
          ) : (
            <div className={styles.hint}>
              <IconArrowLeft size="1.75rem" stroke={1.5} aria-hidden />
              <p>{t("signin.choose")}</p>
            </div>
          )}
        </section>
      </main>
    </div>
  );
}

function demoPinOf(app: AppState, face: StaffFace): string | undefined {
  return app.demo?.pins.find((p) => p.tenant === app.open && p.name === face.name)?.pin;
}

function EnterPin({ face, demoPin, onBack }: { face: StaffFace; demoPin: string | undefined; onBack: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [pin, setPin] = useState("");
  const [wrong, setWrong] = useState(0);
  const [until, setUntil] = useState(() => (face.wait_ms > 0 ? Date.now() + face.wait_ms : 0));
  const now = useNow(until > Date.now() ? 250 : 60_000);
  const wait = Math.max(0, Math.ceil((until - Math.max(now, Date.now())) / 1000));
  const signIn = useWrite((digits: string) => api.signIn(face.id, digits));

  const onChange = (digits: string) => {
    setPin(digits);
    if (digits.length < PIN_LENGTH) return;
    signIn.mutate(digits, {
      onSuccess: (session) => client.setQueryData(queries.session().queryKey, session),
      onError: (e) => {
        setPin("");
        if (e.code === "wrong_pin") setWrong((n) => n + 1);
        if (e.waitMs > 0) setUntil(Date.now() + e.waitMs);
      },
    });
  };

  const refused = signIn.error?.code === "wrong_pin" || signIn.error?.code === "wait";
  return (
    <div className={styles.enter}>
      <Initials name={face.name} size={64} />
      <h2 className={styles.greeting}>{face.name}</h2>
      <p className={styles.message} role="status" data-wrong={wrong > 0}>
        {wait > 0
          ? t("signin.wait", { count: wrong, s: wait })
          : wrong > 0
            ? t("signin.wrong", { count: wrong })
            : t("signin.enterPin")}
      </p>
      <PinPad label={t("signin.pinOf", { name: face.name })} value={pin} onChange={onChange} disabled={wait > 0 || signIn.isPending} refusals={wrong} />
      {demoPin && (
        <p className={styles.demoPin} data-testid="demo-pin">
          {t("signin.demo.pin", { pin: demoPin })}
        </p>
      )}
      {signIn.error && !refused && <ErrorNote error={signIn.error} />}
      <Button variant="subtle" color="gray" onClick={onBack} className={styles.back}>
        {t("signin.someoneElse")}
      </Button>
    </div>
  );
}
