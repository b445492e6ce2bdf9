// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

/**
 * Something persistent that a transaction can edit: a typed object, a block, a collection. Reading
 * it needs no transaction; {@link Transaction#edit} gives the view through which it is changed.
 *
 * @param <E> the view with which it is edited
 */
public interface Editable<E> {}
