"""What spans domains at the counter: the desk's sheets, cards and acts."""
