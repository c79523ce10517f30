import type { AccessMode, Category, Sensitivity } from "@/api";

/** What has been answered so far. Nothing is switched on before the patient does it. */
export interface Answers {
  clinic: string;
  clinicName: string;
  witness: string;
  guardian: string;
  categories: Category[];
  sensitive: Sensitivity[];
  months: number;
  mode: AccessMode;
  signature: string;
}

export const ANSWERS: Answers = {
  clinic: "",
  clinicName: "",
  witness: "",
  guardian: "",
  categories: [],
  sensitive: [],
  months: 12,
  mode: "view",
  signature: "",
};
