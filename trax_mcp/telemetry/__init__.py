"""Where measurements go. Imported only where they are switched on."""
