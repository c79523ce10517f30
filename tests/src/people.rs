//! Who the journeys are about. Nobody here lives: names and numbers are made up.

use domain::Role;

/// A person on a clinic's staff.
pub struct Colleague {
    /// Name with title.
    pub name: &'static str,
    /// Role.
    pub role: Role,
    /// Registration number, or empty.
    pub registration: &'static str,
    /// PIN, in the demo and in tests only.
    pub pin: &'static str,
}

/// A clinic of the demo network.
pub struct DemoClinic {
    /// Name.
    pub name: &'static str,
    /// Street and area.
    pub street: &'static str,
    /// Postcode.
    pub postcode: &'static str,
    /// Town.
    pub town: &'static str,
    /// State.
    pub state: &'static str,
    /// Telephone.
    pub phone: &'static str,
    /// Owner.
    pub owner: Colleague,
    /// All others.
    pub staff: &'static [Colleague],
}

/// Clinic A: a doctor who owns it, a pharmacist, a receptionist.
pub const SERI_MAWAR: DemoClinic = DemoClinic {
    name: "Klinik Seri Mawar",
    street: "12 Jalan Mawar 3, Taman Seri",
    postcode: "46000",
    town: "Petaling Jaya",
    state: "Selangor",
    phone: "03-7955 0142",
    owner: Colleague {
        name: "Dr Aisyah binti Rahman",
        role: Role::Owner,
        registration: "MMC 48213",
        pin: "246810",
    },
    staff: &[
        Colleague {
            name: "Farid bin Osman",
            role: Role::Pharmacist,
            registration: "RPh 12077",
            pin: "135791",
        },
        Colleague {
            name: "Siti Hajar binti Musa",
            role: Role::Receptionist,
            registration: "",
            pin: "112233",
        },
    ],
};

/// Clinic B: one doctor, one receptionist.
pub const SENTOSA: DemoClinic = DemoClinic {
    name: "Klinik Sentosa",
    street: "8 Lorong Damai 2",
    postcode: "50480",
    town: "Kuala Lumpur",
    state: "Wilayah Persekutuan",
    phone: "03-2698 0177",
    owner: Colleague {
        name: "Dr Lim Wei Han",
        role: Role::Owner,
        registration: "MMC 51994",
        pin: "864201",
    },
    staff: &[Colleague {
        name: "Kavitha a/p Raman",
        role: Role::Receptionist,
        registration: "",
        pin: "332211",
    }],
};

/// The patient of the story. Her number is one of the made-up ones of facts/malaysia.md (even last digit: a woman).
pub const PATIENT_NAME: &str = "Nurul Huda binti Ismail";
/// Her MyKad number.
pub const PATIENT_MYKAD: &str = "980317-14-5002";
/// Her telephone.
pub const PATIENT_PHONE: &str = "012-345 6789";

/// Passphrase of the journeys' stores; a real device's is in its keyring.
pub const PASSPHRASE: &str = "journey passphrase, not a secret";
