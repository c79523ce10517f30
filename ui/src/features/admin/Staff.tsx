import { Button, PasswordInput, Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { IconCheck, IconKey } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type AddStaff, type Role } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { ErrorNote } from "@/components/ErrorNote";
import { Initials } from "@/components/Initials";
import page from "@/components/Page.module.css";
import styles from "./Admin.module.css";

const ROLES: Role[] = ["doctor", "pharmacist", "receptionist", "admin", "owner"];

/** Who works here, and a new member of the staff. */
export function Staff() {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.staffFaces());
  return (
    <div className={styles.two}>
      <div className={`${page.card} ${styles.list}`}>
        <ErrorNote error={error} />
        {data?.map((face) => (
          <div key={face.id} className={styles.person}>
            <Initials name={face.name} size={40} />
            <div>
              <strong>{face.name}</strong>
              <p className={page.muted}>{t(`common.role.${face.role}`)}</p>
            </div>
            <span className={page.push}>
              {face.has_pin_here ? (
                <Badge tone="green" icon={<IconCheck size="0.875rem" aria-hidden />}>
                  {t("admin.staff.hasPin")}
                </Badge>
              ) : (
                <Badge icon={<IconKey size="0.875rem" aria-hidden />}>{t("admin.staff.noPin")}</Badge>
              )}
            </span>
          </div>
        ))}
      </div>
      <Add />
    </div>
  );
}

function Add() {
  const { t } = useTranslation();
  const [added, setAdded] = useState<string | null>(null);
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { name: "", role: "doctor" as Role, registration: "", pin: "" },
    validate: {
      name: (v) => (v.trim() ? null : t("admin.staff.nameMissing")),
      pin: (v) => (v === "" || /^\d{6}$/.test(v) ? null : t("setup.clinic.pinSix")),
    },
  });
  const add = useWrite((input: AddStaff) => api.addStaff(input), ["staff"]);
  const submit = form.onSubmit(({ name, role, registration, pin }) =>
    add.mutate(
      { name: name.trim(), role, registration: registration.trim(), pin: pin || null },
      {
        onSuccess: () => {
          setAdded(name.trim());
          form.reset();
        },
      },
    ),
  );
  return (
    <form className={`${page.card} ${styles.box}`} onSubmit={submit} noValidate>
      <h2 className={page.h2}>{t("admin.staff.add")}</h2>
      {added && (
        <p className={styles.good} role="status">
          <IconCheck size="1.125rem" aria-hidden />
          {t("admin.staff.added", { name: added })}
        </p>
      )}
      <TextInput label={t("admin.staff.name")} placeholder={t("admin.staff.nameExample")} autoComplete="off" key={form.key("name")} {...form.getInputProps("name")} />
      <Select label={t("admin.staff.role")} data={ROLES.map((value) => ({ value, label: t(`common.role.${value}`) }))} key={form.key("role")} {...form.getInputProps("role")} />
      <TextInput label={t("admin.staff.registration")} description={t("admin.staff.registrationHelp")} autoComplete="off" key={form.key("registration")} {...form.getInputProps("registration")} />
      <PasswordInput label={t("admin.staff.pin")} description={t("admin.staff.pinHelp")} inputMode="numeric" autoComplete="off" key={form.key("pin")} {...form.getInputProps("pin")} />
      <ErrorNote error={add.error} />
      <div className={styles.right}>
        <Button type="submit" loading={add.isPending}>
          {t("admin.staff.submit")}
        </Button>
      </div>
    </form>
  );
}
