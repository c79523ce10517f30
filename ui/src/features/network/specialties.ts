import i18next from "i18next";

/** The words for a specialty; a code of a newer build is shown as it is. */
export const specialtyWords = (code: string) =>
  i18next.exists(`network.specialty.${code}`) ? i18next.t(`network.specialty.${code as "dental"}`) : code;
