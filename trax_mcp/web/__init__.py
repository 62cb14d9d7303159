"""Pages in the browser of the person at this computer: for a yes, and to enrol a passkey."""
