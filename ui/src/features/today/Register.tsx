import { Button, Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type CreatePatient, type DoctorChoice, type Identifier, type PatientRow, type Queued, type Sex } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { readDay, showDay } from "@/lib/time";
import { Matches } from "./Matches";
import styles from "./Today.module.css";

const PAPERS = ["my_kad", "passport", "other", "none"] as const;
const SEXES: Sex[] = ["female", "male", "unknown"];

interface Words {
  paper: (typeof PAPERS)[number];
  number: string;
  country: string;
  name: string;
  birth: string;
  sex: Sex;
  phone: string;
  lines: string;
  postcode: string;
  town: string;
  state: string;
  reason: string;
  doctor: string;
}

const EMPTY: Words = { paper: "my_kad", number: "", country: "", name: "", birth: "", sex: "unknown", phone: "", lines: "", postcode: "", town: "", state: "", reason: "", doctor: "" };
const digitsOf = (text: string) => text.replaceAll(/\D/g, "");

function identifierOf(v: Words): Identifier {
  const number = v.number.trim();
  if (v.paper === "none" || number === "") return { kind: "none" };
  if (v.paper === "my_kad") return { kind: "my_kad", number: digitsOf(number) };
  if (v.paper === "passport") return { kind: "passport", country: v.country.trim().toUpperCase(), number };
  return { kind: "other", paper: v.country.trim(), number };
}

function patientOf(v: Words): CreatePatient {
  const { lines, postcode, town, state } = v;
  return {
    name: v.name.trim(),
    identifier: identifierOf(v),
    birth_date: readDay(v.birth),
    sex: v.sex,
    phone: v.phone.trim(),
    address: { lines, postcode, town, state },
  };
}

/** A walk-in in under 20 seconds: number, name, reason, Enter. Who is known already appears while one types. */
export function Register({ doctors }: { doctors: DoctorChoice[] }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState({ number: "", name: "", phone: "", paper: "my_kad" as Words["paper"] });
  const [existing, setExisting] = useState<PatientRow | null>(null);
  const [done, setDone] = useState<{ queued: Queued; name: string } | null>(null);
  const first = useRef<HTMLInputElement>(null);
  const reason = useRef<HTMLInputElement>(null);

  const form = useForm<Words>({
    mode: "uncontrolled",
    initialValues: EMPTY,
    onValuesChange: ({ number, name, phone, paper }) => setTyped({ number, name, phone, paper }),
    validate: {
      number: (v, all) => (!existing && all.paper === "my_kad" && v.trim() !== "" && digitsOf(v).length !== 12 ? t("today.register.twelveDigits") : null),
      name: (v) => (existing || v.trim() ? null : t("today.register.nameMissing")),
      birth: (v) => (existing || v.trim() === "" || readDay(v) ? null : t("today.register.noSuchDay")),
      reason: (v) => (v.trim() ? null : t("today.register.reasonMissing")),
    },
  });

  const [seen] = useDebouncedValue(typed, 120);
  const digits = seen.paper === "my_kad" ? digitsOf(seen.number) : "";
  const reading = useQuery({ ...queries.readMykad(digits), enabled: digits.length === 12 && !existing });
  const term = existing ? "" : digits.length >= 4 && digits.length < 12 ? digits : seen.name.trim().length >= 3 ? seen.name.trim() : digitsOf(seen.phone).length >= 6 ? seen.phone.trim() : "";
  const found = useQuery({ ...queries.searchPatients(term), enabled: term !== "" });

  const read = digits.length === 12 ? reading.data : undefined;
  useEffect(() => {
    if (!read) return;
    if (read.birth_date) form.setFieldValue("birth", readableDay(read.birth_date));
    if (read.sex !== "unknown") form.setFieldValue("sex", read.sex);
    // Only when the number has been read anew.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [read]);

  const matches = [...(read?.existing ? [read.existing] : []), ...(term === "" ? [] : (found.data ?? [])).filter((p) => p.id !== read?.existing?.id)].slice(0, 3);

  const queue = useWrite(
    (v: Words) =>
      existing
        ? api.queuePatient({ patient: existing.id, reason: v.reason.trim(), doctor: v.doctor || null })
        : api.registerAndQueue(patientOf(v), v.reason.trim(), v.doctor || null),
    ["queue", "patients"],
  );
  const reset = () => {
    form.reset();
    setExisting(null);
    setTyped({ number: "", name: "", phone: "", paper: "my_kad" });
  };
  const submit = form.onSubmit(
    (v) =>
      queue.mutate(v, {
        onSuccess: (queued) => {
          setDone({ queued, name: existing?.name ?? v.name.trim() });
          reset();
          // The fields are made anew by the reset.
          requestAnimationFrame(() => first.current?.focus());
        },
      }),
    (errors) => form.getInputNode(Object.keys(errors)[0] ?? "")?.focus(),
  );

  return (
    <section className={`${page.card} ${styles.register}`} aria-label={t("today.register.title")}>
      <h2 className={page.h2}>{t("today.register.title")}</h2>
      <form onSubmit={submit} className={`${styles.form} ${styles.wide}`} noValidate onChange={() => done && setDone(null)}>
        {done && (
          <p className={styles.done} role="status" data-testid="queued">
            <span className={styles.doneToken}>{done.queued.token}</span>
            <span>{t("today.register.done", { name: done.name })}</span>
          </p>
        )}
        {existing ? (
          <div className={styles.existing}>
            <p className={styles.matchName}>{existing.name}</p>
            <p className={styles.matchNote}>{t("today.register.known", { tail: existing.identifier_tail })}</p>
            <Button variant="subtle" size="compact-md" h={36} px={0} onClick={reset}>
              {t("today.register.notHer")}
            </Button>
          </div>
        ) : (
          <>
            <div className={styles.paper}>
              <Select
                label={t("today.register.paper")}
                data={PAPERS.map((value) => ({ value, label: t(`today.register.papers.${value}`) }))}
                key={form.key("paper")}
                {...form.getInputProps("paper")}
              />
              <TextInput
                ref={first}
                label={t("today.register.number")}
                placeholder={typed.paper === "my_kad" ? "920314-10-5049" : ""}
                autoComplete="off"
                inputMode={typed.paper === "my_kad" ? "numeric" : "text"}
                disabled={typed.paper === "none"}
                key={form.key("number")}
                {...form.getInputProps("number")}
                // A field that is written to is made anew and loses the focus: dashes come when it is left.
                onBlur={() => read && form.setFieldValue("number", read.formatted)}
              />
            </div>
            {(typed.paper === "passport" || typed.paper === "other") && (
              <TextInput
                label={typed.paper === "passport" ? t("today.register.country") : t("today.register.whichPaper")}
                placeholder={typed.paper === "passport" ? "IDN" : t("today.register.whichPaperExample")}
                autoComplete="off"
                key={form.key("country")}
                {...form.getInputProps("country")}
              />
            )}
            {read?.warnings.map((warning) => (
              <p key={warning} className={styles.warnings} role="status">
                <IconAlertTriangle size="1rem" aria-hidden />
                {t(`today.register.warning.${warning}`)}
              </p>
            ))}
            <TextInput label={t("today.register.name")} autoComplete="off" key={form.key("name")} {...form.getInputProps("name")} />
            <Matches
              rows={matches}
              onChoose={(row) => {
                setExisting(row);
                requestAnimationFrame(() => reason.current?.focus());
              }}
            />
            <div className={styles.two}>
              <TextInput label={t("today.register.birth")} placeholder="14/3/1992" autoComplete="off" key={form.key("birth")} {...form.getInputProps("birth")} />
              <Select label={t("today.register.sex")} data={SEXES.map((value) => ({ value, label: t(`common.sex.${value}`) }))} key={form.key("sex")} {...form.getInputProps("sex")} />
            </div>
            <TextInput label={t("today.register.phone")} autoComplete="off" inputMode="tel" key={form.key("phone")} {...form.getInputProps("phone")} />
          </>
        )}
        <TextInput ref={reason} label={t("today.register.reason")} autoComplete="off" key={form.key("reason")} {...form.getInputProps("reason")} />
        <Select
          label={t("today.register.doctor")}
          data={[{ value: "", label: t("today.anyDoctor") }, ...doctors.map((d) => ({ value: d.id, label: d.name }))]}
          key={form.key("doctor")}
          {...form.getInputProps("doctor")}
        />
        {!existing && (
          <details className={styles.more}>
            <summary>{t("today.register.address")}</summary>
            <div className={styles.form}>
              <TextInput label={t("today.register.lines")} autoComplete="off" key={form.key("lines")} {...form.getInputProps("lines")} />
              <div className={styles.two}>
                <TextInput label={t("today.register.postcode")} autoComplete="off" key={form.key("postcode")} {...form.getInputProps("postcode")} />
                <TextInput label={t("today.register.town")} autoComplete="off" key={form.key("town")} {...form.getInputProps("town")} />
              </div>
              <TextInput label={t("today.register.state")} autoComplete="off" key={form.key("state")} {...form.getInputProps("state")} />
            </div>
          </details>
        )}
        <ErrorNote error={queue.error} />
        <div className={styles.submit}>
          <Button type="submit" loading={queue.isPending} fullWidth>
            {existing ? t("today.register.queue") : t("today.register.submit")}
          </Button>
        </div>
      </form>
    </section>
  );
}

/** As it would be typed: `14/3/1992`. */
function readableDay(day: string): string {
  const [y, m, d] = day.split("-").map(Number);
  return y && m && d ? `${d}/${m}/${y}` : showDay(day);
}
